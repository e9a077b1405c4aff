"""An index that keeps its vectors as 16-bit numbers, in half the memory, and compares with every one."""

from pathlib import Path

import numpy as np

from lens_core import hookimpl
from lens_core.artifacts.atomic import atomic_path
from lens_core.contracts import Floats, Rows, VectorIndex
from lens_core.errors import ModelLoadError, WrongGalleryError


@hookimpl
def make_index(dim: int) -> VectorIndex:
    return HalfIndex(dim)


class HalfIndex:
    def __init__(self, dim: int) -> None:
        self.vectors = np.empty((0, dim), np.float16)

    def __len__(self) -> int:
        return len(self.vectors)

    def build(self, vectors: Floats) -> None:
        self.vectors = self.checked(vectors).astype(np.float16)

    def add(self, vectors: Floats) -> None:
        self.vectors = np.concatenate([self.vectors, self.checked(vectors).astype(np.float16)])

    def search(self, queries: Floats, k: int) -> tuple[Floats, Rows]:
        distances = np.clip(1 - self.checked(queries) @ self.vectors.astype(np.float32).T, 0, 2)
        rows = np.argsort(distances, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(distances, rows, axis=1), rows

    def remove(self, rows: Rows) -> None:
        self.vectors = np.delete(self.vectors, rows, axis=0)

    def save(self, path: Path) -> None:
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.save(file, self.vectors, allow_pickle=False)

    def load(self, path: Path) -> None:
        try:
            vectors = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, EOFError, ValueError) as error:
            raise ModelLoadError(f"{path} is no saved index of this kind: {error}.") from error
        if vectors.shape[1:] != self.vectors.shape[1:]:
            raise WrongGalleryError(f"{path} holds vectors of another length.")
        self.vectors = vectors

    def warm_up(self) -> None:
        self.vectors.sum()  # touches every page of the mapped file

    def checked(self, vectors: Floats) -> Floats:
        dim = self.vectors.shape[1]
        if vectors.dtype != np.float32 or vectors.shape[1:] != (dim,) or not np.isfinite(vectors).all():
            raise ValueError(f"takes finite float32[N, {dim}], not {vectors.dtype}{list(vectors.shape)}")
        return vectors
