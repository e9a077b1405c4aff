"""The grey picture that every check looks at."""

import numpy as np
from PIL import Image

from lens_core.contracts import Floats, Pixels

LONG_SIDE = 512
"""Pixels. All photos are measured at this size, so that a figure does not depend on the camera."""


def luminance(pixels: Pixels) -> Floats:
    """uint8[H, W, 3] RGB -> float32[h, w], 0 black .. 255 white; smaller photos keep their size."""
    grey = Image.fromarray(pixels).convert("L")
    scale = LONG_SIDE / max(grey.size)
    if scale < 1:
        size = (max(1, round(grey.width * scale)), max(1, round(grey.height * scale)))
        grey = grey.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(grey, dtype=np.float32)
