"""What a network that is to be measured must not learn from: some photos of every item, and some items."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import frozen

from lens_core.training.split import FOLDS, Labels, Split, folds

UNKNOWN_SHARE = 1 / 6
"""Of a place's items: as many as are treated as unknown at a time where features are frozen."""
FEWEST = 3
"""Items of a place, below which none is withheld: two at least must be left to tell apart."""


@frozen(eq=False)
class Withheld:
    """Rows of N photos of C classes."""

    count: int
    """N."""
    learned: Labels
    """Rows that the network learns from."""
    asked: Labels
    """Rows of other photos of the items that it knows."""
    unknown: Labels
    """Classes that it never sees."""

    def known(self, labels: Labels) -> Labels:
        """int64[K]: the classes that it learns, of photos int64[N]."""
        return np.unique(labels[self.learned])

    @property
    def split(self) -> Split:
        """For the heads, which get to know every item: all but the photos asked."""
        return np.setdiff1d(np.arange(self.count), self.asked), self.asked


def withhold(labels: Labels, classes: Sequence[tuple[str, str]], shots: Labels, seed: int) -> Withheld | None:
    """A fifth of the photos, and one of six items of every place that has enough; None with too few photos.

    Copies of a photo (of the same ``shots`` int64[N]) are not on both sides.
    """
    split = next(folds(labels, shots, FOLDS, seed), None)
    if split is None:
        return None
    unknown = _unknown(classes, seed)
    learned, asked = (rows[~np.isin(labels[rows], unknown)] for rows in split)
    learned = learned[~np.isin(shots[learned], shots[np.isin(labels, unknown)])]
    asked = asked[np.isin(labels[asked], labels[learned])]
    if not len(asked):
        return None  # of every item one photo, or copies of one
    return Withheld(len(labels), learned, asked, unknown)


def _unknown(classes: Sequence[tuple[str, str]], seed: int) -> Labels:
    random = np.random.default_rng(seed)
    chosen: list[int] = []
    for place in sorted({place for place, _ in classes}):
        numbers = [number for number, (where, _) in enumerate(classes) if where == place]
        count = max(1, round(UNKNOWN_SHARE * len(numbers))) if len(numbers) >= FEWEST else 0
        chosen += random.permutation(numbers)[:count].tolist()
    return np.array(sorted(chosen), np.int64)
