"""What the checks of one photo look at; worked out once for all of them."""

import numpy as np
from attrs import frozen
from PIL import Image

from ai_lens_photo.edges import edge_radius
from ai_lens_photo.subject import Subject, locate
from lens_core.contracts import Photo, Pixels

LONG_SIDE = 512
"""Pixels. All photos are measured at this size, so that a figure does not depend on the camera."""


@frozen(eq=False)
class View:
    photo: Photo
    light: Pixels
    """uint8[h, w], 0 black .. 255 white, long side at most ``LONG_SIDE``."""
    radius: float
    """How wide the sharpest edges of ``light`` are, in its pixels; see edges.py."""
    subject: Subject | None
    """Where the exhibit is; None where that cannot be told."""
    detail: float
    """Share of the photo, seen at 96 pixels, where colours change suddenly; next to none on a bare wall."""

    @classmethod
    def of(cls, photo: Photo) -> "View":
        """What is there to see in ``photo``, whose pixels are uint8[H, W, 3]."""
        image = Image.fromarray(photo.pixels)
        light = _luminance(image)
        return cls(photo, light, edge_radius(light), *locate(image))

    @property
    def middle(self) -> Pixels:
        """Three fifths of ``light``'s width and height, where the exhibit usually is."""
        height, width = self.light.shape
        return self.light[height // 5 : height - height // 5, width // 5 : width - width // 5]


def _luminance(image: Image.Image) -> Pixels:
    grey = image.convert("L")
    scale = LONG_SIDE / max(grey.size)
    if scale < 1:
        size = (max(1, round(grey.width * scale)), max(1, round(grey.height * scale)))
        grey = grey.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(grey)
