"""How ScaNN searches, by the number of vectors."""

from __future__ import annotations

from math import ceil, isqrt
from typing import Any

from ai_lens_scann.options import ScannOptions
from lens_core.contracts import Floats

CODES_FROM = 5_000
"""Vectors from which on short codes are faster than comparing with every vector."""
PARTITIONS_FROM = 200_000
"""Vectors from which on it pays to look into some partitions only."""
_NEIGHBOURS = 10
"""How many neighbours ScaNN prepares for; a search may ask for another number."""
_TRAIN_ON = 100_000
_NUMBERS_PER_CODE = 2
_ANISOTROPY = 0.2
"""As in ScaNN's own example; for its meaning see Guo et al., 2020 (arXiv 1908.10396)."""


def build(library: Any, vectors: Floats, options: ScannOptions) -> Any:
    """A ScaNN searcher over float32[N, D], by inner product."""
    count = len(vectors)
    builder = library.builder(vectors, _NEIGHBOURS, "dot_product")
    if count < CODES_FROM:
        return builder.score_brute_force().build()
    leaves = options.leaves or (isqrt(count) if count >= PARTITIONS_FROM else 1)
    if leaves > 1:
        builder = builder.tree(
            num_leaves=min(leaves, count),
            num_leaves_to_search=min(options.leaves_to_search or ceil(leaves / 2), leaves),
            training_sample_size=min(count, _TRAIN_ON),
        )
    builder = builder.score_ah(_NUMBERS_PER_CODE, anisotropic_quantization_threshold=_ANISOTROPY)
    return builder.reorder(options.reorder).build()
