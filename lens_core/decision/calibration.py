"""Probabilities that mean what they say, and that fade where no reference photo is near."""

import numpy as np

from lens_core.artifacts.manifest import Calibration
from lens_core.contracts import Floats


def probabilities(logits: Floats, distance: Floats, calibration: Calibration) -> Floats:
    """float32[Q, K] over a place's K items, from their cosines float32[Q, K] and ``d_top1`` float32[Q]."""
    scale = np.exp(calibration.scale + calibration.nearness * distance)[:, None]
    scaled = (logits - logits.max(axis=1, keepdims=True)) * scale
    odds = np.exp(scaled)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float32)
