"""What somebody should know about how training went, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from lens_core.evaluation.answers import Answers
from lens_core.training.passes import Pass
from lens_core.words import some

LEAST_PHOTOS = 2
"""Held-out photos of an item, or mistaken ones of two, below which nothing is said about them."""
WORSE = 1.1
"""Held-out loss over its least, from which on the network counts as overfitted."""


def advice_on(answers: Answers | None, passes: Sequence[Pass]) -> tuple[str, ...]:
    """In words: items never learned, items taken for each other, photos learned by heart.

    ``answers`` are those to held-out photos; ``passes`` those of fine-tuning, if there was any.
    """
    found = (*_never_learned(answers), *_taken_for_each_other(answers)) if answers else ()
    return (*found, *_overfitted(passes))


def _never_learned(answers: Answers) -> Iterator[str]:
    table = answers.judged.only(answers.judged.exhibits)
    asked = Counter(zip(table.place.tolist(), table.item.tolist(), strict=True))
    right = table.only(table.best_right)
    known = set(zip(right.place.tolist(), right.item.tolist(), strict=True))
    names = ["/".join(key) for key, count in asked.items() if count >= LEAST_PHOTOS and key not in known]
    if names:
        yield (
            f"{len(names)} items were not recognised on any held-out photo: {some(names)}. "
            "Photograph them again, as visitors do: whole, from several sides"
        )


def _taken_for_each_other(answers: Answers) -> Iterator[str]:
    table = answers.judged.only(answers.judged.exhibits & ~answers.judged.best_right)
    mistakes = Counter(
        (place, *sorted(pair))
        for place, *pair in zip(
            table.place.tolist(), table.item.tolist(), table.best_item.tolist(), strict=True
        )
    )
    names = [
        f"{place}/{first} and {second} ({count} photos)"
        for (place, first, second), count in mistakes.most_common()
        if count >= LEAST_PHOTOS
    ]
    if names:
        yield (
            f"{len(names)} pairs of items are taken for each other: {some(names)}. "
            "Photograph what tells them apart"
        )


def _overfitted(passes: Sequence[Pass]) -> Iterator[str]:
    losses = [one.held_out_loss for one in passes if one.held_out_loss is not None]
    if len(losses) < len(passes) or not losses:
        return
    best = int(np.argmin(losses))
    if losses[-1] > WORSE * losses[best] and passes[-1].loss < passes[best].loss:
        yield (
            f"the network did best after pass {best + 1} of {len(passes)}; since then it has learned its "
            f"photos by heart: try --epochs {best + 1}"
        )
