"""Nearly always the nearest neighbours, by cosine distance, on USearch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from ai_lens_usearch.mapped import check, opened
from ai_lens_usearch.options import UsearchOptions
from lens_core.artifacts.atomic import atomic_write
from lens_core.contracts import Floats, Pixels, Rows
from lens_core.errors import DamagedArtifactError
from lens_core.runtime.arrays import FARTHEST, checked, checked_k, checked_rows, map_file, touch

LEAST_WEIGHED = 256
WEIGHED = 200
"""One vector in so many is weighed for a question, unless ``expansion_search`` is given."""


class UsearchIndex:
    """An HNSW graph: a question walks from neighbour to neighbour instead of past every vector.

    Vectors are ``float32[N, dim]``, L2-normalised; wrong shapes and dtypes raise ValueError, as they are
    mistakes of the calling code. One thread builds, so that the same vectors make the same file.
    """

    _index: Index
    _mapped: Pixels | None
    """The bytes that a loaded index looks at; None when it owns its vectors."""
    _keys: NDArray[np.uint64]
    """The library's name for each row. They rise with the rows, so a file need not hold them."""

    def __init__(self, options: UsearchOptions, dim: int) -> None:
        self._options, self._dim = options, dim
        self._start_anew()

    def __len__(self) -> int:
        return len(self._keys)

    def build(self, vectors: Floats) -> None:
        given = checked(vectors, self._dim)
        self._start_anew()
        self._append(given)

    def add(self, vectors: Floats) -> None:
        """Append ``float32[N, dim]``; rows are numbered in the order of arrival."""
        given = checked(vectors, self._dim)
        self._own()
        self._append(given)

    def search(self, queries: Floats, k: int) -> tuple[Floats, Rows]:
        """(cosine distances ``float32[Q, k]`` in 0..2, rows ``int64[Q, k]``), nearest first."""
        asked = checked(queries, self._dim)
        checked_k(k, len(self))
        distances = np.full((len(asked), k), FARTHEST, np.float32)
        rows = np.full((len(asked), k), -1, np.int64)
        for number, query in enumerate(asked):
            found = self._index.search(query, k, threads=1)
            rows[number, : len(found)] = np.searchsorted(self._keys, found.keys)
            distances[number, : len(found)] = found.distances
        # Rounding leaves the distance of a vector to itself a little below 0.
        return distances.clip(0, FARTHEST), rows

    def remove(self, rows: Rows) -> None:
        """Forget these rows; those behind move up."""
        unwanted = checked_rows(rows, len(self))
        if len(unwanted) == len(self):
            self._start_anew()
            return
        self._own()
        self._index.remove(self._keys[unwanted], threads=1)
        self._keys = np.delete(self._keys, unwanted)

    def save(self, path: Path) -> None:
        """Write the index to one file, whole or not at all. Raises CannotWriteError (E700)."""
        atomic_write(path, bytes(self._index.save() or b""))

    def load(self, path: Path) -> None:
        """Open a saved index in place of this one; its vectors stay on disk until they are searched."""
        content = map_file(path)
        try:
            index = opened(content, self._options, view=True)
        except (RuntimeError, ValueError) as error:
            raise DamagedArtifactError(f"{path} is not a USearch index: {error}.") from error
        check(index, content, path, self._dim)
        self._take(index, content)

    def warm_up(self) -> None:
        if self._mapped is not None:
            touch(self._mapped)

    def _start_anew(self) -> None:
        options = self._options
        self._take(
            Index(
                ndim=self._dim,
                metric="cos",
                dtype=options.dtype,
                connectivity=options.connectivity,
                expansion_add=options.expansion_add,
            ),
            None,
        )

    def _take(self, index: Index, mapped: Pixels | None) -> None:
        self._index, self._mapped, self._keys = index, mapped, np.sort(index.keys[:])
        self._tune()

    def _append(self, vectors: Floats) -> None:
        if not len(vectors):
            return
        first = int(self._keys[-1]) + 1 if len(self) else 0
        keys = np.arange(first, first + len(vectors), dtype=np.uint64)
        self._index.add(keys, vectors, threads=1)
        self._keys = np.concatenate([self._keys, keys])
        self._tune()

    def _tune(self) -> None:
        """Search as widely as the options say: a large graph is easily lost in."""
        self._index.expansion_search = self._options.expansion_search or max(
            LEAST_WEIGHED, len(self) // WEIGHED
        )

    def _own(self) -> None:
        """Copy mapped vectors into memory: USearch ends the whole process when some are removed there."""
        if self._mapped is not None:
            self._take(opened(self._mapped, self._options, view=False), None)
