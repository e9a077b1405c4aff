"""What each pass over the photos has brought."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen

from lens_core.training.mining import Pair

Best = dict[str, int]
"""``best``, ``best_top1``, ``best_auroc_reject``: after which pass."""
BEST, BEST_TOP1, BEST_AUROC = "best", "best_top1", "best_auroc_reject"


@frozen
class Pass:
    """What one pass over the photos has brought. Figures of held-out photos are None where there are none."""

    number: int
    """From 1."""
    loss: float
    """Mean over the steps."""
    lr: float
    """Learning rate of the backbone, or of its last layers, at the end."""
    held_out_loss: float | None = None
    top1: float | None = None
    auroc_reject: float | None = None
    confused: tuple[Pair, ...] = ()
    """Items taken for each other on held-out photos."""


Watch = Callable[[Sequence[Pass], Best], None]
"""Called after each pass."""


def watch_nothing(passes: Sequence[Pass], best: Best) -> None:
    """For callers that want to see the end only."""


def both(first: Watch, second: Watch) -> Watch:
    """Two watches, one after the other."""

    def watch(passes: Sequence[Pass], best: Best) -> None:
        first(passes, best)
        second(passes, best)

    return watch


def pass_of(kept: dict[str, Any]) -> Pass:
    return Pass(**{**kept, "confused": tuple(Pair(**pair) for pair in kept["confused"])})


def figures_of(one: Pass) -> dict[str, tuple[float, ...]]:
    """What the best passes are found by; where two are alike the other figure decides."""
    if one.top1 is None:
        return {}
    auroc = one.auroc_reject or 0.0
    return {
        BEST: (one.top1 + auroc,),
        BEST_TOP1: (one.top1, auroc),
        BEST_AUROC: (auroc, one.top1),
    }


def in_words(one: Pass, count: int) -> str:
    line = f"Pass {one.number} of {count}: loss {one.loss:.3f}"
    if one.top1 is not None:
        line += f"; held-out photos: {one.top1:.0%} right"
    if one.auroc_reject is not None:
        line += f", AUROC {one.auroc_reject:.3f}"
    return line
