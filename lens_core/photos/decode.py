"""The ONE way a photo becomes pixels: upright, sRGB, long side at most 1024.

Training, evaluation, the command line, the SDK, batches and export checks all decode here, so a photo means
the same numbers everywhere.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from lens_core.contracts import Photo
from lens_core.errors import LensError, PhotoUnreadableError
from lens_core.photos.bombs import MOST_PIXELS
from lens_core.photos.colour import eight_bit, to_srgb
from lens_core.photos.opening import FORMATS, LEAST_SIDE, PhotoSource, open_photo
from lens_core.photos.upright import turn_for

__all__ = ["FORMATS", "LEAST_SIDE", "LONG_SIDE", "MOST_PIXELS", "PhotoSource", "decode"]

LONG_SIDE = 1024
_NEARLY = 896
"""Long side from where a photo is not made smaller a second time: where the JPEG decoder itself can stop
between here and ``LONG_SIDE``, as for most phones' photos (4032 pixels -> 1008), nothing is left to do."""
VERSION = 3
"""Part of the key of all that is cached about photos: raise it whenever one would come out otherwise."""

FIRST_OF_SEVERAL = "shows the first of several pictures in the file"
MAIN_OF_SEVERAL = "shows the main one of several pictures in the file"


def decode(source: PhotoSource) -> Photo:
    """The photo behind ``source``; its pixels are uint8[H, W, 3].

    Raises PhotoUnreadableError (E120), PhotoTooSmallError (E121) or PhotoTooLargeError (E122).
    """
    name = f"{source}" if isinstance(source, str | Path) else "the photo"
    try:
        with open_photo(source, name) as image:
            return _read(image)
    except LensError:
        raise
    except Exception as error:
        raise PhotoUnreadableError(f"{name} cannot be read as a photo: {_reason(error)}.") from error


def _read(image: Image.Image) -> Photo:
    width, height = image.size
    notes = _which_picture(image)
    if image.format in ("JPEG", "MPO"):
        # The JPEG decoder itself shrinks by 2, 4 or 8: a 12-megapixel photo is never fully decoded.
        image.draft(None, _scaled((width, height), _NEARLY))
    image.load()  # before the EXIF block is read: some readers turn the photo, and say so, only here
    turn = turn_for(image)
    plain, lost = eight_bit(image)
    rgb, ignored = to_srgb(_shrink(plain))
    upright = rgb if turn is None else rgb.transpose(turn)
    if (upright.width > upright.height) != (width > height):
        width, height = height, width
    return Photo(np.ascontiguousarray(upright), width, height, notes + lost + ignored)


def _which_picture(image: Image.Image) -> tuple[str, ...]:
    """Said of MPO, animations, sequences and TIFFs of several pages."""
    if not getattr(image, "is_animated", False):
        return ()
    return (MAIN_OF_SEVERAL if image.format == "HEIF" else FIRST_OF_SEVERAL,)


def _shrink(image: Image.Image) -> Image.Image:
    if max(image.size) <= LONG_SIDE:
        return image
    # As sharp as bicubic when it only shrinks, in half the time.
    return image.resize(_scaled(image.size, LONG_SIDE), Image.Resampling.HAMMING)


def _scaled(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    scale = long_side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
