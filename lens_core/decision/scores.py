"""Rejection scores: what tells an exhibit of the place from everything else.

T is compared with ``p_top1`` unless tuning found that another score, or all of them together, serves the
museum's visitors better. Which one is best depends on the backbone and on the photos.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from lens_core.artifacts.manifest import Calibration, RejectionScore
from lens_core.contracts import Floats, Rows

Numbers = NDArray[np.float64]
Signals = Mapping[str, Numbers]
"""By name, float64[Q]; higher is more like an exhibit."""

NEIGHBOURS = 3
_SHRINKAGE = 0.3
_SMALLEST = 1e-6
_BLOCK = 16_384
"""Rows looked at in float64 at a time: all of a large gallery would need several times its memory."""


def from_probabilities(
    probabilities: Floats, cosines: Floats, calibration: Calibration
) -> dict[str, Numbers]:
    """The signals that the classifier gives.

    ``softmax``: log odds of ``p_top1``. ``margin``: lead of the best item over the second. ``energy``: log
    odds that it shows any of the items (Liu et al., "Energy-based Out-of-distribution Detection", 2020),
    measured from the calibrated "none of these". From float32[Q, K] over a place's K items.
    """
    ranked = -np.sort(-probabilities.astype(np.float64), axis=1)
    best = ranked[:, 0]
    second = ranked[:, 1] if ranked.shape[1] > 1 else np.zeros(len(ranked))
    logits = calibration.scale * (cosines.astype(np.float64) - calibration.none)
    return {
        "softmax": _log_odds(best),
        "margin": best - second,
        "energy": np.logaddexp.reduce(logits, axis=1),
    }


def from_neighbours(similarities: Floats) -> dict[str, Numbers]:
    """The signals that the nearest reference photos give, from their cosines float32[Q, k], nearest first.

    ``distance``: cosine to the nearest one. ``knn``: mean cosine to the nearest three (after Sun et al.,
    "Out-of-Distribution Detection with Deep Nearest Neighbors", 2022).
    """
    ranked = similarities.astype(np.float64)
    return {"distance": ranked[:, 0], "knn": ranked[:, :NEIGHBOURS].mean(axis=1)}


@frozen(eq=False)
class Mahalanobis:
    """The signal ``mahalanobis``: how much nearer a photo is to one item than to the place as a whole.

    Relative Mahalanobis distance, negative (Ren et al., "A Simple Fix to Mahalanobis Distance for Improving
    Near-OOD Detection", 2021). A few photos span few of an embedding's directions, so both covariances are
    shrunk towards a sphere.
    """

    items: _Gaussian
    place: _Gaussian

    @classmethod
    def of(cls, gallery: Floats, labels: Rows) -> Mahalanobis:
        """From the reference photos of a place, float32[N, D], and the item of each, int64[N]."""
        _, own, counts = np.unique(labels, return_inverse=True, return_counts=True)
        items = np.split(np.argsort(own, kind="stable"), np.cumsum(counts)[:-1])
        means = np.stack([gallery[rows].mean(axis=0, dtype=np.float64) for rows in items])
        whole = gallery.mean(axis=0, dtype=np.float64, keepdims=True)
        return cls(_Gaussian.of(gallery, means, own), _Gaussian.of(gallery, whole, np.zeros_like(own)))

    def __call__(self, queries: Floats) -> Numbers:
        """float64[Q] of float32[Q, D]."""
        rows = queries.astype(np.float64)
        return self.place.distance(rows) - self.items.distance(rows)


@frozen(eq=False)
class _Gaussian:
    """One covariance around one or several means."""

    whitening: Numbers
    """float64[D, D]."""
    means: Numbers
    """float64[M, D], whitened."""

    @classmethod
    def of(cls, gallery: Floats, means: Numbers, own: Rows) -> _Gaussian:
        """Of rows float32[N, D], each around its own mean."""
        count, dim = gallery.shape
        covariance = np.zeros((dim, dim))
        for start in range(0, count, _BLOCK):
            block = slice(start, start + _BLOCK)
            deviations = gallery[block] - means[own[block]]
            covariance += deviations.T @ deviations / count
        sphere = np.trace(covariance) / dim or 1.0  # one photo of each item does not vary at all
        shrunk = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * sphere * np.eye(dim)
        whitening = np.linalg.inv(np.linalg.cholesky(shrunk)).T
        return cls(whitening, means @ whitening)

    def distance(self, rows: Numbers) -> Numbers:
        """float64[Q]: the squared distance of float64[Q, D] to the nearest mean."""
        whitened = rows @ self.whitening
        squares = (whitened**2).sum(axis=1)[:, None] + (self.means**2).sum(axis=1)
        return np.asarray((squares - 2 * whitened @ self.means.T).min(axis=1))


def apply(score: RejectionScore, signals: Signals) -> Numbers:
    """float64[Q], 0 to 1: how probably each photo shows one of the place's items, by this score."""
    odds = score.bias + sum(weight * signals[name] for name, weight in score.weights.items())
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -50, 50))))


def auroc(exhibits: Floats | Numbers, unknown: Floats | Numbers) -> float:
    """How well a score (higher for exhibits) separates the two; 1 is perfect, 0.5 is chance.

    The share of pairs in which the exhibit's score is higher; equal ones count half (Mann and Whitney, 1947).
    """
    ranked = np.sort(unknown)
    lower, not_higher = (np.searchsorted(ranked, exhibits, side) for side in ("left", "right"))
    return float((lower + not_higher).mean() / (2 * len(ranked)))


def _log_odds(shares: Numbers) -> Numbers:
    inside = shares.clip(_SMALLEST, 1 - _SMALLEST)
    return np.asarray(np.log(inside / (1 - inside)))
