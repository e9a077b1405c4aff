"""From a path, bytes, an image or an array to a photo that is safe to decode."""

from __future__ import annotations

import contextlib
import ctypes
import io
import logging
import warnings
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError, _imaging

from lens_core.errors import PhotoTooLargeError, PhotoTooSmallError, PhotoUnreadableError
from lens_core.photos.bombs import MOST_PIXELS, refuse_crowded, refuse_hard_work
from lens_core.photos.reading import photo_bytes, refuse_too_long
from lens_core.photos.upright import remember_who_turns

# Pillow warns of half-broken metadata and of large images; both are judged here instead.
warnings.filterwarnings("ignore", module=r"PIL\.|pillow_heif\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())  # else its errors reach stderr, and are raised too

PhotoSource = str | Path | bytes | Image.Image | np.ndarray[Any, Any]
"""What can be decoded: a path, encoded bytes, a Pillow image, or uint8[H, W, 3] / uint8[H, W]."""

LEAST_SIDE = 32
"""Below this a photo shows nothing that could be recognised."""

# By content, never by name. Pillow tries these readers and no others.
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "HEIF", "BMP", "TIFF")
_MODULES = ("Jpeg", "Mpo", "Png", "WebP", "Avif", "Bmp", "Tiff")


def open_photo(source: PhotoSource, name: str) -> Image.Image:
    """The photo behind ``source``, not yet decoded; of a file with several, the one it begins with.

    Raises PhotoUnreadableError (E120), PhotoTooSmallError (E121) or PhotoTooLargeError (E122).
    """
    if isinstance(source, Image.Image):
        image = _copied(source)
    elif isinstance(source, np.ndarray):
        image = _from_array(source)
    elif not isinstance(source, str | Path | bytes):
        raise PhotoUnreadableError(
            f"{type(source).__name__} is no kind of photo.",
            "Pass a path, the file's bytes, a Pillow image or uint8[H, W, 3].",
        )
    else:
        image = _identify(source if isinstance(source, bytes) else photo_bytes(Path(source), name), name)
    _check_size(image.size, name)
    return image


def _copied(source: Image.Image) -> Image.Image:
    """The caller keeps an open image. A copy forgets that its file is a HEIC, and so who turns it."""
    image = source.copy()
    file = Path(getattr(source, "filename", None) or "")
    if source.format == "HEIF" and file.is_file():
        image.format = source.format
        remember_who_turns(image, photo_bytes(file, str(file)))
    return image


def _identify(encoded: bytes, name: str) -> Image.Image:
    refuse_too_long(encoded, name)
    refuse_crowded(encoded, name)
    _silence_libtiff()
    if encoded[4:8] == b"ftyp":
        _register_heif(encoded[8:12], name)
    try:
        image = Image.open(io.BytesIO(encoded), formats=_readers())
    except UnidentifiedImageError as error:
        raise PhotoUnreadableError(
            f"{name} is not a photo (not JPEG, PNG, WebP, HEIC, AVIF, BMP or TIFF)."
        ) from error
    except Image.DecompressionBombError as error:
        raise PhotoTooLargeError(f"{name} has far too many pixels.") from error
    refuse_hard_work(image, encoded, name)
    remember_who_turns(image, encoded)
    return image


def _readers() -> list[str]:
    """Those of FORMATS that this Pillow reads. Only they are loaded: all there are take twice as long."""
    for module in _MODULES:
        import_module(f"PIL.{module}ImagePlugin")
    return [name for name in FORMATS if name in Image.OPEN]


@cache
def _silence_libtiff() -> None:
    """Of a damaged TIFF its library prints to stderr, past Python, what Pillow then raises as an error.

    Pillow switches off that library's warnings for the whole process; this does the same for its errors.
    """
    with contextlib.suppress(AttributeError, OSError):  # not to be found from outside, as on Windows
        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)


def _register_heif(brand: bytes, name: str) -> None:
    if "HEIF" in Image.OPEN or brand in (b"avif", b"avis"):
        return
    try:
        import pillow_heif
    except ModuleNotFoundError as error:
        advice = 'Try: pip install "ai-lens-helper[heif]"'
        raise PhotoUnreadableError(
            f"{name} is a HEIC photo and the HEIC reader is not installed.", advice
        ) from error
    pillow_heif.register_heif_opener()


def _from_array(array: np.ndarray[Any, Any]) -> Image.Image:
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise PhotoUnreadableError(
            f"An array must be uint8[H, W, 3] (RGB) or uint8[H, W], not {array.dtype}{list(array.shape)}.",
            "Convert it, or pass the file itself.",
        )
    return Image.fromarray(array)


def _check_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if width * height > MOST_PIXELS:
        raise PhotoTooLargeError(f"{name} has {width} x {height} pixels; 50 megapixels are the most.")
    if min(width, height) < LEAST_SIDE:
        raise PhotoTooSmallError(
            f"{name} has only {width} x {height} pixels; {LEAST_SIDE} a side are the least."
        )
