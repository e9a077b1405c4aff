"""Haze: fogged glass, a dirty lens or stray light make all of the photo one grey.

Haze adds light to the darkest parts, while a photo that is merely dark keeps them black; so the measure is
the difference of the lightest and the darkest parts relative to their sum (A. Michelson, 1927).
"""

import numpy as np

from ai_lens_photo.options import PhotoOptions
from ai_lens_photo.severity import severity
from ai_lens_photo.view import View
from lens_core.contracts import Finding

HINTS = {"ko": "뿌옇지 않게, 렌즈를 닦고 김 서린 유리를 피해서", "en": "Wipe the lens and avoid fogged glass"}
WORST_RATIO = 0.05
"""Ratio at which hardly anything shows through."""
_END = 0.2
"""Percent of the pixels on either side; a small exhibit on a wall counts."""
_BARE = 0.03
"""Share of sudden changes below which the photo shows a bare wall, and no haze need hide anything."""
_BLACK, _WHITE = 40, 250
"""Grey levels (of 255). Where the lightest parts are darker or whiter, the light is wrong."""


def low_contrast(view: View, options: PhotoOptions) -> Finding | None:
    """A finding when the lightest and the darkest parts are closer than ``options.low_contrast_ratio``."""
    dark, light = np.percentile(view.light[::2, ::2], [_END, 100 - _END])
    ratio = float((light - dark) / max(light + dark, 1.0))
    if ratio >= options.low_contrast_ratio or view.detail < _BARE or not _BLACK < light < _WHITE:
        return None
    worse = severity(ratio, options.low_contrast_ratio, WORST_RATIO)
    return Finding("low_contrast", worse, HINTS, round(ratio, 3))
