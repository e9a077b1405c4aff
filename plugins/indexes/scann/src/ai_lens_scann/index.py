"""Most of the nearest neighbours, by cosine distance, on ScaNN."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from ai_lens_scann import folder, recipe
from ai_lens_scann.options import ScannOptions
from lens_core.artifacts import container
from lens_core.contracts import Floats, Rows
from lens_core.errors import CannotDoError, ModelLoadError, WrongGalleryError
from lens_core.runtime.arrays import FARTHEST, checked, checked_k

_ABOUT = "index.json"
"""The member of a saved file that says how many vectors of which length there are."""


class ScannIndex:
    """Compares short codes of the vectors first, then the best of them in full.

    Vectors are ``float32[N, dim]``, L2-normalised; wrong shapes and dtypes raise ValueError, as they are
    mistakes of the calling code.
    """

    def __init__(self, library: Any, options: ScannOptions, dim: int) -> None:
        self._library, self._options, self._dim = library, options, dim
        self._searcher: Any = None
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def build(self, vectors: Floats) -> None:
        given = checked(vectors, self._dim)
        searcher = recipe.build(self._library, given, self._options) if len(given) else None
        self._searcher, self._count = searcher, len(given)

    def add(self, vectors: Floats) -> None:
        checked(vectors, self._dim)
        _cannot("add vectors to")

    def search(self, queries: Floats, k: int) -> tuple[Floats, Rows]:
        """(cosine distances ``float32[Q, k]`` in 0..2, rows ``int64[Q, k]``), nearest first."""
        asked = checked(queries, self._dim)
        checked_k(k, len(self))
        distances = np.full((len(asked), k), FARTHEST, np.float32)
        rows = np.full((len(asked), k), -1, np.int64)
        if len(asked):
            found, cosines = self._searcher.search_batched(
                asked, final_num_neighbors=k, pre_reorder_num_neighbors=max(k, self._options.reorder)
            )
            there = ~np.isnan(cosines)  # where ScaNN finds too few it answers row 0 at NaN
            rows[:, : found.shape[1]][there] = found[there]
            distances[:, : found.shape[1]][there] = 1 - cosines[there]
        return distances.clip(0, FARTHEST), rows

    def remove(self, rows: Rows) -> None:
        _cannot("remove vectors from")

    def save(self, path: Path) -> None:
        """Write the index to one file, whole or not at all. Raises CannotWriteError (E700)."""
        about = json.dumps({"dim": self._dim, "vectors": len(self)}).encode()
        files = folder.packed(self._searcher) if len(self) else {}
        container.write(path, {_ABOUT: about, **files})

    def load(self, path: Path) -> None:
        """Read a saved index into memory, in place of this one."""
        files = container.read(path)
        dim, count = _about(files.pop(_ABOUT, b""), path)
        if dim != self._dim:
            raise WrongGalleryError(
                f"{path} holds vectors of {dim} numbers, but this model makes {self._dim}."
            )
        searcher = folder.unpacked(self._library, files, path) if count else None
        if searcher is not None and searcher.size() != count:
            raise ModelLoadError(f"{path} holds {searcher.size()} vectors and says that they are {count}.")
        self._searcher, self._count = searcher, count

    def warm_up(self) -> None:
        """Nothing to do: ScaNN has all of it in memory."""


def _about(document: bytes, path: Path) -> tuple[int, int]:
    """(length of the vectors, how many there are)."""
    try:
        about = json.loads(document)
        return int(about["dim"]), int(about["vectors"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelLoadError(f"{path} is not a ScaNN index as ai-lens saves it.") from error


def _cannot(change: str) -> NoReturn:
    raise CannotDoError(
        f"A ScaNN index is made for the vectors it is built from; ai-lens cannot {change} it.",
        "Build it again from all photos with `ai-lens build-index`, or use an index that can: "
        "--index usearch, faiss or exact.",
    )
