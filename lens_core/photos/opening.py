"""From a path, bytes, an image or an array to a photo that is safe to decode."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from lens_core.errors import PhotoTooLargeError, PhotoTooSmallError, PhotoUnreadableError
from lens_core.photos.upright import remember_who_turns

# Pillow warns of half-broken metadata and of large images; both are judged here instead.
warnings.filterwarnings("ignore", module=r"PIL\.|pillow_heif\.")

PhotoSource = str | Path | bytes | Image.Image | np.ndarray[Any, Any]
"""What can be decoded: a path, encoded bytes, a Pillow image, or uint8[H, W, 3] / uint8[H, W]."""

MOST_PIXELS = 50 * 1024 * 1024
"""A "50-megapixel" phone photo just passes."""
LEAST_SIDE = 32
"""Below this a photo shows nothing that could be recognised."""
MOST_BYTES = 8 * MOST_PIXELS
"""The most pixels in the widest format there is (16-bit RGBA), stored without compression."""
MOST_SCANS = 64
"""Of a progressive JPEG, each of which passes over the whole photo. Encoders write 10, the busiest 20."""

# By content, never by name. Pillow tries these readers and no others.
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "HEIF", "BMP", "TIFF")

_TILE_WIDTH, _TILE_LENGTH = 322, 323  # TIFF 6.0, section 15


def open_photo(source: PhotoSource, name: str) -> Image.Image:
    """The photo behind ``source``, not yet decoded; of a file with several, the one it begins with.

    Raises PhotoUnreadableError (E120), PhotoTooSmallError (E121) or PhotoTooLargeError (E122).
    """
    if isinstance(source, Image.Image):
        image = source.copy()  # the caller keeps an open image
    elif isinstance(source, np.ndarray):
        image = _from_array(source)
    else:
        image = _identify(source if isinstance(source, bytes) else _read(Path(source), name), name)
    _check_size(image.size, name)
    return image


def _read(path: Path, name: str) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise PhotoTooLargeError(f"{name} is larger than any photo ({MOST_BYTES >> 20} MiB).")
        return path.read_bytes()
    except OSError as error:
        raise PhotoUnreadableError(f"{name} cannot be read: {error.strerror or error}.") from error


def _identify(encoded: bytes, name: str) -> Image.Image:
    if encoded[4:8] == b"ftyp":
        _register_heif(encoded[8:12], name)
    try:
        image = Image.open(io.BytesIO(encoded), formats=[known for known in FORMATS if known in _readers()])
    except UnidentifiedImageError as error:
        raise PhotoUnreadableError(
            f"{name} is not a photo (not JPEG, PNG, WebP, HEIC, AVIF, BMP or TIFF)."
        ) from error
    except Image.DecompressionBombError as error:
        raise PhotoTooLargeError(f"{name} has far too many pixels.") from error
    _check_work(image, encoded, name)
    remember_who_turns(image, encoded)
    return image


def _readers() -> dict[str, Any]:
    Image.init()
    return Image.OPEN


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


def _check_work(image: Image.Image, encoded: bytes, name: str) -> None:
    """Refuse files that say they are small and make their reader work for hours or fill the memory."""
    if image.format in ("JPEG", "MPO"):
        # Counting bytes is fast and can only count too many; whoever passes needs no closer look.
        if encoded.count(b"\xff\xda") > MOST_SCANS and _scans(encoded) > MOST_SCANS:
            raise PhotoUnreadableError(
                f"{name} is drawn in more than {MOST_SCANS} scans; no camera does that."
            )
    elif image.format == "TIFF":
        tags = getattr(image, "tag_v2", {})
        if tags.get(_TILE_WIDTH, 0) * tags.get(_TILE_LENGTH, 0) > MOST_PIXELS:
            raise PhotoTooLargeError(f"{name} has tiles of more than 50 megapixels.")


def _scans(jpeg: bytes) -> int:
    """Scans of the first picture in the file (ITU-T T.81, annex B): what follows it is not decoded."""
    scans, position = 0, 2
    while position + 4 <= len(jpeg):
        position = jpeg.find(b"\xff", position)
        if position < 0 or position + 4 > len(jpeg):
            break
        marker = jpeg[position + 1]
        if marker == 0xD9:  # end of the picture
            break
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD8:  # inside a scan, or without a length
            position += 1 if marker == 0xFF else 2
            continue
        scans += marker == 0xDA
        position += 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
    return scans
