"""Nearest neighbours by cosine distance, on FAISS."""

from __future__ import annotations

from mmap import mmap
from pathlib import Path

import faiss
import numpy as np

from ai_lens_faiss import files, kinds
from ai_lens_faiss.options import FaissOptions
from lens_core.contracts import Floats, Rows
from lens_core.errors import CannotDoError, ModelLoadError, WrongGalleryError
from lens_core.runtime.arrays import FARTHEST, checked, checked_k, checked_rows


class FaissIndex:
    """A FAISS index of one of three kinds, in memory or mapped from its file.

    Vectors are ``float32[N, dim]``, L2-normalised; wrong shapes and dtypes raise ValueError, as they are
    mistakes of the calling code.
    """

    def __init__(self, options: FaissOptions, dim: int) -> None:
        kinds.check(options, dim)
        self._options, self._dim = options, dim
        self._index: faiss.Index
        self._mapped: mmap | None  # the file a loaded index looks at; None when it owns its vectors
        self.build(np.empty((0, dim), np.float32))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def build(self, vectors: Floats) -> None:
        """Index ``float32[N, dim]`` in place of what was there; ``ivfpq`` learns its lists and codes here."""
        self._use(kinds.build(self._options, checked(vectors, self._dim)), None)

    def add(self, vectors: Floats) -> None:
        """Append ``float32[N, dim]``; what ``ivfpq`` learnt when it was built stays."""
        given = checked(vectors, self._dim)
        if self._outgrows_flat(len(given)):
            self.build(np.concatenate([self._index.reconstruct_n(0, len(self)), given]))
        else:
            self._own()
            self._index.add(given)
            kinds.tune(self._index, self._options)

    def search(self, queries: Floats, k: int) -> tuple[Floats, Rows]:
        """(cosine distances ``float32[Q, k]`` in 0..2, rows ``int64[Q, k]``), nearest first.

        Only ``flat`` compares with every vector; the others may miss some, and where fewer than ``k`` are
        found the rest are row -1 at distance 2.
        """
        asked = checked(queries, self._dim)
        checked_k(k, len(self))
        cosines, rows = self._index.search(asked, k)
        # Rounding leaves the cosine of a vector with itself a little above 1; that of row -1 is the lowest
        # number there is.
        return np.clip(1 - cosines, 0, FARTHEST), rows

    def remove(self, rows: Rows) -> None:
        """Forget these rows; those behind move up. Raises CannotDoError (E460) for ``hnsw``."""
        unwanted = checked_rows(rows, len(self))
        if self._options.kind == "hnsw":
            raise CannotDoError(
                "FAISS cannot remove vectors from an hnsw index.",
                "Use --index-option kind=flat, or make it again from the gallery: ai-lens build-index ...",
            )
        self._own()
        kinds.remove(self._index, unwanted)

    def save(self, path: Path) -> None:
        """Write the library's own format, whole or not at all. Raises CannotWriteError (E700)."""
        files.write(self._index, path)

    def load(self, path: Path) -> None:
        """Open a saved index in place of this one; it stays on disk until it is searched.

        Raises ModelLoadError (E200) for anything but an index of this kind, or WrongGalleryError (E220) when
        its vectors have another length than this index was made for.
        """
        mapped = files.map_file(path)
        try:
            index = files.open_mapped(mapped)
        except RuntimeError as error:
            raise ModelLoadError(f"{path} is not a FAISS index.") from error
        if not self._is_of_this_kind(index):
            found = f"another kind of FAISS index ({type(index).__name__})"
            raise ModelLoadError(f"{path} holds {found}, not {self._options.kind}.")
        if index.d != self._dim:
            raise WrongGalleryError(
                f"{path} holds vectors of {index.d} numbers, but this model makes {self._dim}."
            )
        self._use(index, mapped)

    def warm_up(self) -> None:
        """Read a mapped index into memory, so that the first question is as quick as the others."""
        if self._mapped is not None:
            files.touch(self._mapped)

    def _use(self, index: faiss.Index, mapped: mmap | None) -> None:
        kinds.tune(index, self._options)
        self._index, self._mapped = index, mapped

    def _own(self) -> None:
        if self._mapped is not None:
            self._use(files.open_copied(self._mapped), None)

    def _outgrows_flat(self, added: int) -> bool:
        flat_for_now = self._options.kind == "ivfpq" and isinstance(self._index, faiss.IndexFlat)
        return flat_for_now and len(self) + added >= kinds.fewest(self._options)

    def _is_of_this_kind(self, index: faiss.Index) -> bool:
        fitting = [kinds.TYPES[self._options.kind]]
        if self._options.kind == "ivfpq" and index.ntotal < kinds.fewest(self._options):
            fitting.append(faiss.IndexFlat)
        return isinstance(index, tuple(fitting)) and index.metric_type == faiss.METRIC_INNER_PRODUCT
