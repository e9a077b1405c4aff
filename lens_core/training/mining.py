"""Which items are confused with each other, and how training dwells on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from attrs import frozen

from lens_core.training.split import Labels
from lens_core.training.validation import Marks

LEAST_SHARE = 0.1
"""Probability given to each other's item, on average, from which on two items count as confused."""
EMPHASIS = 1.5
"""How much more often photos of confused items are shown, and how much more they count."""


@frozen
class Pair:
    """Two classes, and how much of the probability goes to the wrong one of them."""

    first: int
    second: int
    share: float
    mistakes: int
    """Held-out photos of one that were named as the other."""


def confused(marks: Marks, labels: Labels) -> list[Pair]:
    """Pairs of classes that are taken for each other on held-out photos int64[Q], the worst first."""
    classes = marks.shares.shape[1]
    given = np.zeros((classes, classes))
    for label in np.unique(labels):
        given[label] = marks.shares[labels == label].mean(axis=0)
    named = marks.shares.argmax(axis=1)
    pairs = []
    for first, second in zip(*np.triu_indices(classes, 1), strict=True):
        share = (given[first, second] + given[second, first]) / 2
        if share >= LEAST_SHARE:
            mixed_up = ((labels == first) & (named == second)) | ((labels == second) & (named == first))
            pairs.append(Pair(int(first), int(second), float(share), int(mixed_up.sum())))
    return sorted(pairs, key=lambda pair: -pair.share)


def emphasis(pairs: Sequence[Pair], class_count: int) -> torch.Tensor:
    """float32[C]: how much more each class counts."""
    weights = torch.ones(class_count)
    for pair in pairs:
        weights[[pair.first, pair.second]] = EMPHASIS
    return weights
