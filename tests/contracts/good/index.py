"""A small index that keeps its contract; broken ones are made from it by changing one thing."""

from pathlib import Path

import attrs
import numpy as np

from lens_core import hookimpl
from lens_core.artifacts.atomic import atomic_path
from lens_core.errors import DamagedArtifactError, ModelLoadError, WrongGalleryError


@attrs.frozen
class Options:
    places: int = 7


@hookimpl
def options_type():
    return Options


@hookimpl
def make_index(dim):
    return Index(dim)


class Index:
    def __init__(self, dim):
        self.vectors = np.empty((0, dim), np.float32)

    def __len__(self):
        return len(self.vectors)

    def build(self, vectors):
        self.vectors = self.checked(vectors)

    def add(self, vectors):
        self.vectors = np.concatenate([self.vectors, self.checked(vectors)])

    def search(self, queries, k):
        cosines = self.checked(queries) @ self.vectors.T
        distances = np.clip(1 - cosines, 0, 2)
        rows = np.argsort(distances, axis=1, kind="stable")[:, :k]
        distances = np.take_along_axis(distances, rows, axis=1)
        return distances.astype(np.float32), rows.astype(np.int64)

    def remove(self, rows):
        self.vectors = np.delete(self.vectors, rows, axis=0)

    def save(self, path):
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.save(file, self.vectors, allow_pickle=False)

    def load(self, path: Path):
        try:
            vectors = np.load(path, mmap_mode="r", allow_pickle=False)
        except OSError as error:
            raise ModelLoadError(f"{path} cannot be read.") from error
        except (EOFError, ValueError) as error:
            raise DamagedArtifactError(f"{path} is no index.") from error
        if vectors.shape[1:] != self.vectors.shape[1:]:
            raise WrongGalleryError(f"{path} holds vectors of another length.")
        self.vectors = vectors

    def warm_up(self):
        self.vectors.sum()

    def checked(self, vectors):
        if vectors.dtype != np.float32 or vectors.ndim != 2 or vectors.shape[1] != self.vectors.shape[1]:
            raise ValueError(f"takes float32[N, {self.vectors.shape[1]}]")
        if not np.isfinite(vectors).all():
            raise ValueError("takes finite numbers")
        return vectors
