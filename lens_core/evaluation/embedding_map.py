"""Embeddings laid out on a plane, for people to look at."""

from __future__ import annotations

from typing import Literal

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from lens_core.contracts import Floats
from lens_core.errors import needing

_LEAST = 5
"""Photos that make a map."""
_DIMENSIONS = 50
"""t-SNE is given this many (van der Maaten's advice): quicker, and less noise."""
Method = Literal["tsne", "umap"]
NAMES: dict[Method, str] = {"tsne": "t-SNE", "umap": "UMAP"}


def on_a_plane(embeddings: Floats, method: Method, seed: int) -> Floats | None:
    """float32[N, D] -> float32[N, 2] within 0..1; None of fewer than 5 photos.

    Raises NotInstalledError (E410) when UMAP is asked for and not installed.
    """
    count = len(embeddings)
    if count < _LEAST:
        return None
    points = _umap(embeddings, seed) if method == "umap" else _tsne(embeddings, seed)
    low, high = points.min(axis=0), points.max(axis=0)
    return np.asarray((points - low) / np.maximum(high - low, 1e-9), np.float32)


def _tsne(embeddings: Floats, seed: int) -> Floats:
    count, dim = embeddings.shape
    few = PCA(min(_DIMENSIONS, count, dim), random_state=seed).fit_transform(embeddings)
    perplexity = min(30, (count - 1) / 3)
    found: Floats = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(few)
    return found


def _umap(embeddings: Floats, seed: int) -> Floats:
    with needing("a UMAP", "umap"):
        from umap import UMAP
    neighbours = min(15, len(embeddings) - 1)
    found: Floats = UMAP(n_neighbors=neighbours, random_state=seed, n_jobs=1).fit_transform(embeddings)
    return found
