"""Most of the nearest neighbours, by cosine distance, on Annoy."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import numpy as np
from annoy import AnnoyIndex

from ai_lens_annoy.nodes import check, mark
from ai_lens_annoy.options import AnnoyOptions
from lens_core.artifacts.atomic import atomic_path
from lens_core.contracts import Floats, Pixels, Rows
from lens_core.errors import CannotDoError, ModelLoadError
from lens_core.runtime.arrays import FARTHEST, checked, checked_k, map_file, touch

LEAST_WEIGHED = 10_000
"""Vectors weighed for a question also in small galleries, where it takes no time."""
SEED = 0
"""Where the trees divide the vectors is drawn by lot; always the same lot, so the same file."""


class Forest:
    """A question walks down the most promising branches of all trees at once.

    Vectors are ``float32[N, dim]``, L2-normalised; wrong shapes and dtypes raise ValueError, as they are
    mistakes of the calling code.
    """

    def __init__(self, options: AnnoyOptions, dim: int) -> None:
        self._options, self._dim = options, dim
        self._mapped: Pixels | None = None
        """The bytes of a loaded index; None after ``build``."""
        self.build(np.empty((0, dim), np.float32))

    def __len__(self) -> int:
        return int(self._index.get_n_items())

    def build(self, vectors: Floats) -> None:
        index = self._empty()
        for row, vector in enumerate(checked(vectors, self._dim)):
            index.add_item(row, vector.tolist())  # one at a time: Python's numbers need eight times the room
        # Several threads number the nodes as they come, so that no two files are the same.
        index.build(self._options.trees, n_jobs=1)
        self._index, self._mapped = index, None

    def add(self, vectors: Floats) -> None:
        checked(vectors, self._dim)
        _cannot("add vectors to")

    def search(self, queries: Floats, k: int) -> tuple[Floats, Rows]:
        """(cosine distances ``float32[Q, k]`` in 0..2, rows ``int64[Q, k]``), nearest first."""
        asked = checked(queries, self._dim)
        checked_k(k, len(self))
        weighed = self._options.search_k or max(len(self), LEAST_WEIGHED)
        distances = np.full((len(asked), k), FARTHEST, np.float32)
        rows = np.full((len(asked), k), -1, np.int64)
        for number, query in enumerate(asked.tolist()):
            found, angular = self._index.get_nns_by_vector(query, k, max(weighed, k), include_distances=True)
            rows[number, : len(found)] = found
            # Annoy's angular distance is the chord between unit vectors, sqrt(2 (1 - cosine)).
            distances[number, : len(found)] = np.square(angular) / 2
        return distances.clip(0, FARTHEST), rows

    def remove(self, rows: Rows) -> None:
        _cannot("remove vectors from")

    def save(self, path: Path) -> None:
        """Write the index to one file, whole or not at all. Raises CannotWriteError (E700)."""
        with atomic_path(path) as temporary:
            self._index.save(str(temporary))
            mark(temporary, self._dim)

    def load(self, path: Path) -> None:
        """Open a saved index in place of this one; its vectors stay on disk until they are searched."""
        content = map_file(path)
        check(content, path, self._dim)
        index = self._empty()
        try:
            index.load(str(path))
        except OSError as error:
            raise ModelLoadError(f"{path} cannot be read: {error.strerror or error}.") from error
        self._index, self._mapped = index, content

    def warm_up(self) -> None:
        if self._mapped is not None:
            touch(self._mapped)

    def _empty(self) -> AnnoyIndex:
        index = AnnoyIndex(self._dim, "angular")
        index.set_seed(SEED)
        return index


def _cannot(change: str) -> NoReturn:
    raise CannotDoError(
        f"Annoy cannot {change} an index once its trees are built.",
        "Build it again from all photos with `ai-lens build-index`, or use an index that can: "
        "--index usearch, faiss or exact.",
    )
