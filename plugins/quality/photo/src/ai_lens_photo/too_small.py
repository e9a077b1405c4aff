"""The exhibit is far away: it spans little of the photo.

How far it reaches is measured, not its area: a sword that spans the photo is near enough.
"""

from ai_lens_photo.options import PhotoOptions
from ai_lens_photo.severity import severity
from ai_lens_photo.view import View
from lens_core.contracts import Finding

HINTS = {"ko": "더 가까이 촬영", "en": "Move closer"}
WORST_EXTENT = 0.1
"""Extent at which next to nothing can be seen of it."""


def too_small(view: View, options: PhotoOptions) -> Finding | None:
    """A finding when the exhibit spans less of width and height than ``options.too_small_extent``."""
    if view.subject is None or not view.subject.whole:
        return None  # who knows how much of it lies outside
    extent = max(view.subject.right - view.subject.left, view.subject.bottom - view.subject.top)
    if extent >= options.too_small_extent:
        return None
    worse = severity(extent, options.too_small_extent, WORST_EXTENT)
    return Finding("too_small", worse, HINTS, round(extent, 3))
