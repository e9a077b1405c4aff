"""All looks at a data folder, compared with each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import frozen

from lens_core.audit import copies
from lens_core.audit.copies import Pair
from lens_core.audit.likeness import Likeness, compare
from lens_core.audit.look import Look
from lens_core.contracts import Rows
from lens_core.photos import duplicates
from lens_core.photos.layout import Dataset, PhotoFile


@frozen(eq=False)
class Seen:
    """The N photos that can be read."""

    photos: tuple[PhotoFile, ...]
    looks: tuple[Look, ...]
    labels: tuple[tuple[str, str], ...]
    """The (place, item) of each class, sorted."""
    items: Rows
    """int64[N]: the class of each photo."""
    pairs: tuple[Pair, ...]
    shots: Rows
    """int64[N]: photos of one number are copies of one shot."""
    likeness: Likeness

    @classmethod
    def of(cls, dataset: Dataset, photos: Sequence[PhotoFile], looks: Sequence[Look]) -> Seen:
        """Compare what was seen; there must be one photo at least."""
        labels = dataset.items
        class_of = {label: number for number, label in enumerate(labels)}
        items = np.array([class_of[photo.place, photo.item] for photo in photos], np.int64)
        place_of = np.array([dataset.places.index(place) for place, _ in labels], np.int64)
        same = copies.find([look.photo_hash for look in looks], [look.grey for look in looks])
        shots = duplicates.groups(len(looks), [(pair.first, pair.second) for pair in same])
        likeness = compare(np.stack([look.appearance for look in looks]), items, place_of, shots)
        return cls(tuple(photos), tuple(looks), labels, items, (*same, *_near(looks, shots)), shots, likeness)

    def rows_of(self, item: int) -> Rows:
        return np.flatnonzero(self.items == item)

    def name(self, item: int) -> str:
        """``place/item``."""
        return "/".join(self.labels[item])


def _near(looks: Sequence[Look], shots: Rows) -> list[Pair]:
    """Pairs of different shots that are nearly the same view."""
    _, rows = np.unique(shots, return_index=True)
    pairs = duplicates.pairs([looks[row].phash for row in rows])
    return [Pair(int(rows[first]), int(rows[second]), "near") for first, second in pairs]
