"""Accept or recollect: the one rule every answer goes through."""

from enum import StrEnum

from attrs import frozen

from lens_core.artifacts.manifest import Thresholds


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
    p_top1: float
    margin: float
    """Difference to the second item's probability."""
    nearest_item: str
    d_top1: float
    item_count: int


@frozen
class Verdict:
    """The decision for one photo; ``item`` is None for recollect."""

    item: str | None
    reason: Reason


def decide(evidence: Evidence, thresholds: Thresholds) -> Verdict:
    """Apply T, M and D.

    Two cases the plain rule leaves open are closed on the side of asking again:

    - The classifier accepts one item while a photo of *another* item is near enough to be accepted too:
      ``disagreement``. A confident wrong answer is worse than a retake.
    - A place with a single item gives that item a probability of 1 whatever the photo shows, so there the
      classifier has no say and only the distance accepts.
    """
    classifier = (
        evidence.item_count > 1
        and evidence.p_top1 >= thresholds.threshold
        and evidence.margin >= thresholds.min_top1_margin
    )
    neighbour = evidence.d_top1 <= thresholds.max_distance
    if classifier and neighbour and evidence.best_item != evidence.nearest_item:
        return Verdict(None, Reason.DISAGREEMENT)
    if classifier:
        return Verdict(evidence.best_item, Reason.CLASSIFIER)
    if neighbour:
        return Verdict(evidence.nearest_item, Reason.NEAREST_NEIGHBOUR)
    return Verdict(None, Reason.NOT_SURE)
