"""Too little light: even the brightest parts are dark.

Averages say nothing: studio photos on black paper have dark ones and are well exposed.
"""

import numpy as np

from ai_lens_photo.options import PhotoOptions
from ai_lens_photo.severity import severity
from ai_lens_photo.view import View
from lens_core.contracts import Finding

HINTS = {"ko": "더 밝은 곳에서, 그림자를 피해서", "en": "Find more light and keep out of the shadow"}
WORST_LEVEL = 0.1
"""Brightest level (0 .. 1) at which a photo is as dark as it gets."""


def dark(view: View, options: PhotoOptions) -> Finding | None:
    """A finding when even the brightest parts of the middle are darker than ``options.dark_level``."""
    level = float(np.percentile(view.middle[::2, ::2], 99)) / 255  # every second pixel is enough to count
    if level >= options.dark_level:
        return None
    return Finding("dark", severity(level, options.dark_level, WORST_LEVEL), HINTS, round(level, 3))
