"""Too little light, or too much.

Both look at the middle of the photo, where the exhibit is, and neither at its average: studio photos on
black or white paper have extreme averages and are well exposed.
"""

import numpy as np

from ai_lens_photo.options import PhotoOptions
from lens_core.contracts import Finding, Floats

DARK_HINTS = {"ko": "더 밝은 곳에서, 그림자를 피해서", "en": "Find more light and keep out of the shadow"}
BRIGHT_HINTS = {"ko": "너무 밝지 않게, 조명과 햇빛을 피해서", "en": "Turn away from lamps and sunlight"}
WORST_LEVEL = 0.1
"""Brightest level (0 .. 1) at which a photo is as dark as it gets."""
WORST_SHARE = 0.6
"""Share of white at which a photo is as bright as it gets."""
_WHITE = 250
"""Grey level (of 255) that counts as burnt out."""


def dark(light: Floats, options: PhotoOptions) -> Finding | None:
    """A finding when even the brightest parts of the middle are darker than ``options.dark_level``."""
    level = float(np.percentile(_middle(light), 99)) / 255
    if level >= options.dark_level:
        return None
    severity = (options.dark_level - level) / max(options.dark_level - WORST_LEVEL, 1e-6)
    return Finding("dark", min(severity, 1.0), DARK_HINTS, round(level, 3))


def bright(light: Floats, options: PhotoOptions) -> Finding | None:
    """A finding when more than ``options.bright_share`` of the middle is burnt out to white."""
    share = float((_middle(light) >= _WHITE).mean())
    if share <= options.bright_share:
        return None
    severity = (share - options.bright_share) / max(WORST_SHARE - options.bright_share, 1e-6)
    return Finding("bright", min(severity, 1.0), BRIGHT_HINTS, round(share, 3))


def _middle(light: Floats) -> Floats:
    """Three fifths of the width and the height; every second pixel is enough to count."""
    height, width = light.shape
    return light[height // 5 : height - height // 5 : 2, width // 5 : width - width // 5 : 2]
