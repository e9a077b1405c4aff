"""Exact nearest neighbours by cosine distance, on FAISS."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np

from ai_lens_faiss.mapped import open_mapped
from lens_core.artifacts import integrity
from lens_core.artifacts.atomic import atomic_write
from lens_core.contracts import Floats, Rows
from lens_core.errors import ModelLoadError, WrongGalleryError


class FaissIndex:
    """Compares a query with every stored vector (``IndexFlatIP``): no answer is ever missed.

    Vectors are ``float32[N, dim]``, L2-normalised; wrong shapes and dtypes raise ValueError, as they are
    mistakes of the calling code.
    """

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self._index = faiss.IndexFlatIP(dim)
        self._mapped: object = None  # the bytes a loaded index looks at; None when it owns its vectors

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, vectors: Floats) -> None:
        """Append ``float32[N, dim]``; rows are numbered in the order of arrival."""
        checked = self._checked(vectors)
        self._own()
        self._index.add(checked)

    def search(self, queries: Floats, k: int) -> tuple[Floats, Rows]:
        """(cosine distances ``float32[Q, k]`` in 0..2, rows ``int64[Q, k]``), nearest first."""
        checked = self._checked(queries)
        if not 1 <= k <= len(self):
            raise ValueError(f"k is {k}; it must be between 1 and the {len(self)} vectors of the index")
        cosines, rows = self._index.search(checked, k)
        # Rounding leaves the cosine of a vector with itself a little above 1.
        return np.clip(1 - cosines, 0, 2), rows

    def remove(self, rows: Rows) -> None:
        """Forget these rows; those behind move up."""
        unwanted = np.asarray(rows, dtype=np.int64)
        if unwanted.size and not 0 <= unwanted.min() <= unwanted.max() < len(self):
            raise ValueError(f"rows {unwanted.tolist()} are not all among the {len(self)} rows of the index")
        self._own()
        self._index.remove_ids(faiss.IDSelectorBatch(unwanted))

    def save(self, path: Path) -> None:
        """Write the index to one sealed file, whole or not at all. Raises CannotWriteError (E700)."""
        atomic_write(path, integrity.seal(faiss.serialize_index(self._index).tobytes()))

    def load(self, path: Path) -> None:
        """Open a saved index in place of this one; its vectors stay on disk until they are searched.

        Raises ModelLoadError (E200), DamagedArtifactError (E210), or WrongGalleryError (E220) when its
        vectors have another length than this index was made for.
        """
        index, mapped = open_mapped(path)
        if not isinstance(index, faiss.IndexFlatIP):
            raise ModelLoadError(f"{path} holds another kind of FAISS index ({type(index).__name__}).")
        if index.d != self._dim:
            raise WrongGalleryError(
                f"{path} holds vectors of {index.d} numbers, but this model makes {self._dim}."
            )
        self._index, self._mapped = index, mapped

    def _own(self) -> None:
        """Copy mapped vectors into memory: FAISS ends the whole process when a mapped index is changed."""
        if self._mapped is None:
            return
        owned = faiss.IndexFlatIP(self._dim)
        owned.add(self._index.reconstruct_n(0, len(self)))
        self._index, self._mapped = owned, None

    def _checked(self, vectors: Floats) -> Floats:
        if vectors.dtype != np.float32 or vectors.ndim != 2 or vectors.shape[1] != self._dim:
            found = f"{vectors.dtype}{list(vectors.shape)}"
            raise ValueError(f"the index takes float32[N, {self._dim}], not {found}")
        if not np.isfinite(vectors).all():
            raise ValueError("the vectors hold NaN or infinity")
        return np.ascontiguousarray(vectors)
