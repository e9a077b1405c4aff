"""Made-up vectors, and how an index's answers about them are judged."""

from __future__ import annotations

from typing import Any

import numpy as np

from lens_core.artifacts.gallery import normalise
from lens_core.contracts import Floats, Rows


def random_vectors(count: int, dim: int, seed: int = 0) -> Floats:
    """float32[count, dim], L2-normalised, in every direction."""
    return normalise(np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32))


def clustered_vectors(count: int, dim: int, seed: int = 0) -> Floats:
    """float32[count, dim], L2-normalised, in groups as photos of exhibits are."""
    random = np.random.default_rng(seed)
    centres = random_vectors(max(1, count // 10), dim, seed + 1)
    spread = random.standard_normal((count, dim)).astype(np.float32) * 0.5 / np.sqrt(dim)
    return normalise(centres[np.arange(count) % len(centres)] + spread)


def exact_distances(queries: Floats, vectors: Floats) -> Floats:
    """1 - cosine, float32[Q, N], by comparing with every vector."""
    return np.asarray(np.clip(1 - queries @ vectors.T, 0, 2), np.float32)


def recall(queries: Floats, vectors: Floats, rows: Rows) -> float:
    """Share of the found rows that are among the nearest; a tie, or nearly one, counts."""
    true = exact_distances(queries, vectors)
    furthest = np.sort(true, axis=1)[:, rows.shape[1] - 1 : rows.shape[1]]
    found = np.where(rows < 0, np.inf, np.take_along_axis(true, np.maximum(rows, 0), axis=1))
    return float((found <= furthest + 1e-3).mean())


def assert_same(found: tuple[Floats, Rows], expected: tuple[Floats, Rows]) -> None:
    assert found[1].tolist() == expected[1].tolist()
    np.testing.assert_allclose(found[0], expected[0], atol=1e-5, rtol=0)


def wrong_vectors(fault: str, dim: int) -> Any:
    vectors = random_vectors(3, dim)
    match fault:
        case "float64":
            return vectors.astype(np.float64)
        case "int":
            return vectors.astype(np.int64)
        case "one vector":
            return vectors[0]
        case "another length":
            return random_vectors(3, dim + 8)
    vectors[1, 0] = np.nan if fault == "NaN" else np.inf
    return vectors
