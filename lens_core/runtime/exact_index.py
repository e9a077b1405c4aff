"""The built-in index ``exact``: compares with every vector. Right for up to about 100,000 of them."""

from __future__ import annotations

import numpy as np

from lens_core.contracts import Floats, NoOptions, Rows
from lens_core.hookspecs import hookimpl
from lens_core.runtime.arrays import FARTHEST, checked, checked_k, checked_rows


@hookimpl
def make_index(name: str, options: NoOptions, dim: int) -> ExactIndex:
    return ExactIndex(dim)


class ExactIndex:
    """Every distance, by one matrix product with the gallery's own vectors: nothing to build or to store."""

    def __init__(self, dim: int) -> None:
        self._vectors: Floats = np.empty((0, dim), np.float32)

    def __len__(self) -> int:
        return len(self._vectors)

    def build(self, vectors: Floats) -> None:
        self._vectors = self._fitting(vectors)

    def add(self, vectors: Floats) -> None:
        self._vectors = np.concatenate([self._vectors, self._fitting(vectors)])

    def search(self, queries: Floats, k: int) -> tuple[Floats, Rows]:
        checked_k(k, len(self))
        distances = np.clip(1 - self._fitting(queries) @ self._vectors.T, 0, FARTHEST)
        if k < len(self):  # sorting a million distances for the sake of ten would take most of the time
            rows = np.argpartition(distances, k, axis=1)[:, :k]
        else:
            rows = np.broadcast_to(np.arange(len(self)), distances.shape)
        near = np.take_along_axis(distances, rows, axis=1)
        order = np.argsort(near, axis=1, kind="stable")[:, :k]
        nearest = np.take_along_axis(near, order, axis=1).astype(np.float32)
        return nearest, np.take_along_axis(rows, order, axis=1).astype(np.int64)

    def remove(self, rows: Rows) -> None:
        self._vectors = np.delete(self._vectors, checked_rows(rows, len(self)), axis=0)

    def _fitting(self, vectors: Floats) -> Floats:
        return checked(vectors, self._vectors.shape[1])
