"""Intervals: how much would a figure change if other photos of the same kind had been taken?

Shots are drawn, not photos: near-duplicates come and go together, since the second of them says little new.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import binomtest

from lens_core.contracts import Rows
from lens_core.decision.scores import Numbers
from lens_core.evaluation.judged import Flags

RESAMPLES = 300
CONFIDENCE = 0.95
Figure = dict[str, float]
"""``{"value": ..., "low": ..., "high": ...}``."""


class Resamples:
    """How often each photo is drawn in each of many resamples: float64[R, N]."""

    def __init__(self, groups: list[Rows], seed: int) -> None:
        """``groups``: for each sort of photo its shots, int64[n]; each sort keeps its number of shots."""
        random = np.random.default_rng(seed)
        drawn = []
        for shots in groups:
            numbers, own = np.unique(shots, return_inverse=True)
            count = len(numbers)
            drawn.append(random.multinomial(count, np.full(count, 1 / count), RESAMPLES)[:, own])
        self.weights = np.concatenate(drawn, axis=1).astype(np.float64)


def share(flags: Flags, shots: Rows, seed: int) -> Figure:
    """A share of photos. Where all or none are counted the bootstrap sees no doubt; the exact binomial
    interval of as many shots stands in."""
    value = float(flags.mean())
    if 0 < value < 1:
        weights = Resamples([shots], seed).weights
        return interval(value, (weights @ flags) / weights.sum(axis=1))
    count = len(np.unique(shots))
    exact = binomtest(round(value * count), count).proportion_ci(CONFIDENCE, method="exact")
    return {"value": value, "low": round(float(exact.low), 4), "high": round(float(exact.high), 4)}


def mean(values: Numbers, shots: Rows, seed: int) -> Figure:
    """A mean over photos. Where all are 0 or all are 1 it is a share."""
    if set(values.tolist()) in ({0.0}, {1.0}):
        return share(values > 0, shots, seed)
    weights = Resamples([shots], seed).weights
    return interval(float(values.mean()), (weights @ values) / weights.sum(axis=1))


def each(
    figures: Callable[[Numbers], dict[str, Numbers]], groups: list[Rows], seed: int
) -> dict[str, Figure]:
    """Several figures of the same photos at once, from a function of the photos' weights: float64[R, N] ->
    float64[R] each."""
    resamples = Resamples(groups, seed).weights
    as_they_are = np.ones((1, resamples.shape[1]))
    found = figures(np.concatenate([as_they_are, resamples]))
    return {name: interval(float(values[0]), values[1:]) for name, values in found.items()}


def interval(value: float, resampled: Numbers) -> Figure:
    """The percentile interval around a value."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, (tail, 1 - tail))
    return {"value": round(value, 4), "low": round(float(low), 4), "high": round(float(high), 4)}
