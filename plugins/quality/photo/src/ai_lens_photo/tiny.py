"""The photo has too few pixels: a thumbnail, or a small part cut out of a photo."""

from ai_lens_photo.options import PhotoOptions
from ai_lens_photo.severity import severity
from ai_lens_photo.view import View
from lens_core.contracts import Finding

HINTS = {
    "ko": "줄이거나 자르지 않은 원본 사진으로",
    "en": "Use the original photo, neither shrunk nor cropped",
}
WORST_SIDE = 32
"""Pixels; ai-lens refuses smaller photos."""


def tiny(view: View, options: PhotoOptions) -> Finding | None:
    """A finding when the short side of the photo as it was taken is below ``options.tiny_side``."""
    side = min(view.photo.width, view.photo.height)
    if side >= options.tiny_side:
        return None
    return Finding("tiny", severity(side, options.tiny_side, WORST_SIDE), HINTS, side)
