"""Items photographed from too few sides, or in one light only."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lens_core.audit.remarks import Remark
from lens_core.audit.seen import Seen
from lens_core.contracts import Rows

LEAST_PHOTOS = 3
"""With fewer there is nothing to compare."""
LEAST_TURN = 10
"""Bits of 64 (pHash) by which a shot usually differs from the most similar one; in real museums 12 to 26."""
LEAST_LIGHT = 0.06
"""Mean lightness (0 to 1) of the brightest shot minus that of the darkest; in real museums 0.13 or more."""


def variety(seen: Seen) -> Iterator[Remark]:
    """Remarks on items whose shots are too much alike."""
    for item in range(len(seen.labels)):
        rows = seen.rows_of(item)
        _, first = np.unique(seen.shots[rows], return_index=True)
        shots = rows[first]
        if len(rows) < LEAST_PHOTOS:
            continue
        if len(shots) < LEAST_PHOTOS or _usual_turn(seen, shots) < LEAST_TURN:
            text = "its photos are taken from nearly the same place: walk around it, step closer and back"
            yield Remark("warning", "same_view", text, seen.name(item))
        lightness = [seen.looks[row].lightness for row in shots]
        if max(lightness) - min(lightness) < LEAST_LIGHT:
            text = "its photos are all equally bright: photograph at other hours and with other lights on"
            yield Remark("warning", "same_light", text, seen.name(item))


def _usual_turn(seen: Seen, shots: Rows) -> float:
    hashes = np.array([seen.looks[row].phash for row in shots], np.int64)
    differing = (hashes[:, None, :] != hashes[None, :, :]).sum(axis=2)
    np.fill_diagonal(differing, hashes.shape[1])
    return float(np.median(differing.min(axis=1)))
