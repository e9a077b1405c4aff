"""Photos asked within a place and scored by a model that never trained on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from lens_core.artifacts.manifest import Calibration
from lens_core.contracts import Floats
from lens_core.decision.calibration import probabilities

UNKNOWN = -1
"""The truth of a photo that shows none of the place's items."""

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]


@frozen(eq=False)
class HeldOut:
    """Q photos asked within one place of K items."""

    kind: str
    """``exhibit``, or which sort of unknown: ``look_alike``, ``other_place``, ``ood``."""
    cosines: Floats
    """float32[Q, K]: to the direction of each item."""
    distances: Floats
    """float32[Q]: ``d_top1``."""
    nearest: NDArray[np.int64]
    """int64[Q]: which of the K items the nearest reference photo shows."""
    truth: NDArray[np.int64]
    """int64[Q]: which of the K items it is, or UNKNOWN."""


@frozen(eq=False)
class Judged:
    """Held-out photos of all places as the rule sees them; every array has one entry per photo."""

    kind: NDArray[np.str_]
    p_top1: Numbers
    margin: Numbers
    d_top1: Numbers
    agree: Flags
    """Classifier and nearest neighbour name the same item."""
    best_right: Flags
    top3_right: Flags
    nearest_right: Flags

    @property
    def exhibits(self) -> Flags:
        return np.asarray(self.kind == "exhibit")

    @property
    def unknown_kinds(self) -> dict[str, Flags]:
        """Each kind of unknown, and which photos are of it."""
        return {str(kind): self.kind == kind for kind in np.unique(self.kind[~self.exhibits])}


def judge(held_out: Sequence[HeldOut], calibration: Calibration) -> Judged:
    """Apply a calibration and line up the evidence of every photo."""
    parts = [_judge_one(part, calibration) for part in held_out if len(part.truth)]
    return Judged(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _judge_one(part: HeldOut, calibration: Calibration) -> tuple[NDArray[np.generic], ...]:
    probs = probabilities(part.cosines, calibration).astype(np.float64)
    order = np.argsort(-probs, axis=1, kind="stable")
    ranked = np.take_along_axis(probs, order, axis=1)
    second = ranked[:, 1] if ranked.shape[1] > 1 else np.zeros(len(ranked))
    best, known = order[:, 0], part.truth != UNKNOWN
    return (
        np.full(len(best), part.kind),
        ranked[:, 0],
        ranked[:, 0] - second,
        part.distances.astype(np.float64),
        best == part.nearest,
        known & (best == part.truth),
        known & (order[:, :3] == part.truth[:, None]).any(axis=1),
        known & (part.nearest == part.truth),
    )
