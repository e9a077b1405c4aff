"""Will visitors' photos of an item be recognised? Guessed from its photos, before anything is trained."""

from __future__ import annotations

import numpy as np

from lens_core.audit.likeness import Likeness
from lens_core.audit.seen import Seen
from lens_core.contracts import Floats

# Chosen so that the mean score of the museum photos is their mean held-out recall (benchmarks/audit).
_STEEPNESS, _MIDDLE = 12.0, -0.1


def readiness(seen: Seen, item: int) -> int | None:
    """0 to 100: how clearly each photo of the item belongs to it and to no other item of its place.

    Every photo plays the visitor once and is compared with the other shots. None with fewer than two shots,
    or when the place has no other item to compare with.
    """
    rows = seen.rows_of(item)
    place = seen.labels[item][0]
    items_of_place = sum(label[0] == place for label in seen.labels)
    if len(np.unique(seen.shots[rows])) < 2 or items_of_place < 2:
        return None
    recognised = 1 / (1 + np.exp(-_STEEPNESS * (leads(seen.likeness)[rows] - _MIDDLE)))
    return round(100 * float(recognised.mean()))


def leads(likeness: Likeness) -> Floats:
    """float32[N]: how much more a photo is like its own item than like its rival, both ways of comparing."""
    return np.asarray((likeness.lead + likeness.lead_nearby) / 2, np.float32)
