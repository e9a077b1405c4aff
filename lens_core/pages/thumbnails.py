"""Small pictures to show beside what was found; nothing of the originals but their pixels."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen
from PIL import Image

from lens_core.errors import DataError
from lens_core.parallel import in_order
from lens_core.photos.decode import decode

LONG_SIDE = 240
_QUALITY = 72
"""Of the JPEG: about 7 kB each."""


@frozen
class Thumbnail:
    """A JPEG without EXIF, XMP, colour profile or comment."""

    width: int
    height: int
    jpeg: bytes

    @property
    def uri(self) -> str:
        return "data:image/jpeg;base64," + base64.b64encode(self.jpeg).decode()


def thumbnails(paths: Iterable[Path], long_side: int = LONG_SIDE) -> list[Thumbnail | None]:
    """Of each photo, in order; None where it cannot be read. On all cores."""
    return list(in_order(lambda path: _thumbnail(path, long_side), paths))


def _thumbnail(path: Path, long_side: int) -> Thumbnail | None:
    try:
        image = Image.fromarray(decode(path).pixels)
    except DataError:
        return None
    image.thumbnail((long_side, long_side), Image.Resampling.BICUBIC, reducing_gap=2.0)
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=_QUALITY, optimize=True)
    return Thumbnail(image.width, image.height, jpeg.getvalue())
