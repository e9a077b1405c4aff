"""Out of focus, or moved: even the sharpest edges of the photo are wide."""

from ai_lens_photo.options import PhotoOptions
from ai_lens_photo.severity import severity
from ai_lens_photo.view import View
from lens_core.contracts import Finding

HINTS = {"ko": "초점을 맞추고 흔들리지 않게", "en": "Focus on the exhibit and hold still"}
WORST_RADIUS = 4.0
"""Pixels at long side 512 from where a photo cannot get any worse: 8 pixels at 1024."""


def blur(view: View, options: PhotoOptions) -> Finding | None:
    """A finding when the photo's strongest edges are wider than ``options.blur_radius``."""
    if view.radius <= options.blur_radius:
        return None
    worse = severity(view.radius, options.blur_radius, WORST_RADIUS)
    return Finding("blur", worse, HINTS, round(view.radius, 2))
