"""Accept or recollect: the one rule every answer goes through."""

from enum import StrEnum

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from lens_core.artifacts.manifest import Thresholds

Distances = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Reason(StrEnum):
    """Which rule decided; the word in the answer's ``reason``."""

    CLASSIFIER = "classifier"
    """Accepted: the best item is probable enough and leads clearly."""
    NEAREST_NEIGHBOUR = "nearest_neighbour"
    """Accepted: a reference photo of the selected item is near enough."""
    DISAGREEMENT = "disagreement"
    """Recollect: both opinions would accept, but they name different items."""
    NOT_SURE = "not_sure"
    """Recollect: neither opinion accepts."""


@frozen
class Evidence:
    """What was measured for one photo, within the place's items."""

    best_item: str
    score: float
    """What T is compared with: ``p_top1``, unless the model was tuned for another score."""
    margin: float
    """Difference to the second item's probability."""
    nearest_item: str
    d_top1: float


@frozen
class Verdict:
    """The decision for one photo; ``item`` is None for recollect."""

    item: str | None
    reason: Reason


def is_near(distance: float | Distances, thresholds: Thresholds) -> bool | Flags:
    """Whether the nearest neighbour accepts; never where D is 0, which means that it is not asked."""
    return (distance <= thresholds.max_distance) & (thresholds.max_distance > 0)


def decide(evidence: Evidence, thresholds: Thresholds) -> Verdict:
    """Apply T, M and D.

    The plain rule leaves one case open, closed here on the side of asking again: the classifier accepts one
    item while a photo of *another* item is near enough to be accepted too. That is ``disagreement``, because
    a confident wrong answer is worse than a retake.
    """
    classifier = evidence.score >= thresholds.threshold and evidence.margin >= thresholds.min_top1_margin
    neighbour = bool(is_near(evidence.d_top1, thresholds))
    if classifier and neighbour and evidence.best_item != evidence.nearest_item:
        return Verdict(None, Reason.DISAGREEMENT)
    if classifier:
        return Verdict(evidence.best_item, Reason.CLASSIFIER)
    if neighbour:
        return Verdict(evidence.nearest_item, Reason.NEAREST_NEIGHBOUR)
    return Verdict(None, Reason.NOT_SURE)
