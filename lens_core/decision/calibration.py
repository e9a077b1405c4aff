"""Probabilities that mean what they say, and that leave room for "none of these"."""

import numpy as np

from lens_core.artifacts.manifest import Calibration
from lens_core.contracts import Floats


def probabilities(cosines: Floats, calibration: Calibration) -> Floats:
    """float32[Q, K] over a place's K items, from their cosines float32[Q, K].

    Rows add up to less than 1; the rest is the probability that the photo shows none of the items.
    """
    logits = calibration.scale * (cosines - calibration.none)
    highest = np.maximum(logits.max(axis=1, keepdims=True), 0)  # taken off everywhere: exp() never overflows
    odds = np.exp(logits - highest)
    return np.asarray(odds / (np.exp(-highest) + odds.sum(axis=1, keepdims=True)), np.float32)
