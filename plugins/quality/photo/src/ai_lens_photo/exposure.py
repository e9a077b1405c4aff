"""Too little light, or too much.

Both look at the middle of the photo, where the exhibit is, and neither at its average: studio photos on
black or white paper have extreme averages and are well exposed.
"""

import numpy as np

from ai_lens_photo.options import PhotoOptions
from ai_lens_photo.severity import severity
from lens_core.contracts import Finding, Floats

DARK_HINTS = {"ko": "더 밝은 곳에서, 그림자를 피해서", "en": "Find more light and keep out of the shadow"}
BRIGHT_HINTS = {"ko": "너무 밝지 않게, 조명과 햇빛을 피해서", "en": "Turn away from lamps and sunlight"}
WORST_LEVEL = 0.1
"""Brightest level (0 .. 1) at which a photo is as dark as it gets."""
WORST_SHARE = 0.6
"""Share of white at which a photo is as bright as it gets."""
_WHITE = 250
"""Grey level (of 255) that counts as burnt out."""
_NEARLY_WHITE = 200
_FADING = 0.2
"""Share of the rest that is nearly white, from where on the white is burnt out rather than paper."""


def dark(light: Floats, options: PhotoOptions) -> Finding | None:
    """A finding when even the brightest parts of the middle are darker than ``options.dark_level``."""
    level = float(np.percentile(_middle(light), 99)) / 255
    if level >= options.dark_level:
        return None
    return Finding("dark", severity(level, options.dark_level, WORST_LEVEL), DARK_HINTS, round(level, 3))


def bright(light: Floats, options: PhotoOptions) -> Finding | None:
    """A finding when more than ``options.bright_share`` of the middle is burnt out to white."""
    middle = _middle(light)
    white = middle >= _WHITE
    share = float(white.mean())
    if share <= options.bright_share or _is_paper(middle[~white]):
        return None
    return Finding(
        "bright", severity(share, options.bright_share, WORST_SHARE), BRIGHT_HINTS, round(share, 3)
    )


def _is_paper(rest: Floats) -> bool:
    """Is the white a background? What is burnt out fades into white; an exhibit ends sharply at its paper."""
    return rest.size > 0 and float((rest >= _NEARLY_WHITE).mean()) < _FADING


def _middle(light: Floats) -> Floats:
    """Three fifths of the width and the height; every second pixel is enough to count."""
    height, width = light.shape
    return light[height // 5 : height - height // 5 : 2, width // 5 : width - width // 5 : 2]
