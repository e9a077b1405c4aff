"""The ONE way a photo becomes pixels: upright, RGB, long side at most 1024.

Training, evaluation, the command line, the SDK, batches and export checks all decode here, so a photo means
the same numbers everywhere.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from lens_core.contracts import Photo
from lens_core.errors import LensError, PhotoTooLargeError, PhotoTooSmallError, PhotoUnreadableError

if TYPE_CHECKING:
    PhotoSource = str | Path | bytes | Image.Image | np.ndarray[Any, Any]
    """What can be decoded: a path, encoded bytes, a Pillow image, or uint8[H, W, 3] / uint8[H, W]."""

LONG_SIDE = 1024
MOST_PIXELS = 50 * 1024 * 1024
"""A "50-megapixel" phone photo just passes."""
LEAST_SIDE = 32
"""Below this a photo shows nothing that could be recognised."""

# By content, never by name. Pillow tries these readers and no others.
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "HEIF", "BMP", "TIFF")

_ORIENTATION = 0x0112
_TURNED_BY_READER = "ai-lens turned by reader"
# EXIF 2.32, tag 0x0112: how a photo must be turned to stand upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(source: PhotoSource) -> Photo:
    """The photo behind ``source``; its pixels are uint8[H, W, 3].

    Raises PhotoUnreadableError (E120), PhotoTooSmallError (E121) or PhotoTooLargeError (E122).
    """
    name = f"{source}" if isinstance(source, str | Path) else "the photo"
    try:
        with warnings.catch_warnings():
            # Pillow warns of half-broken metadata and of large images; both are judged here instead.
            warnings.simplefilter("ignore")
            with _open(source, name) as image:
                _check_size(image.size, name)
                return _upright_rgb(image)
    except LensError:
        raise
    except Exception as error:
        raise PhotoUnreadableError(f"{name} cannot be read as a photo: {_reason(error)}.") from error


def _open(source: PhotoSource, name: str) -> Image.Image:
    if isinstance(source, Image.Image):
        return source.copy()  # the caller keeps an open image
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, bytes):
        return _identify(source, name)
    try:
        return _identify(Path(source).read_bytes(), name)
    except OSError as error:
        if isinstance(error, UnidentifiedImageError):
            raise
        raise PhotoUnreadableError(f"{name} cannot be read: {error.strerror or error}.") from error


def _identify(encoded: bytes, name: str) -> Image.Image:
    if encoded[4:8] == b"ftyp":
        _register_heif(encoded[8:12], name)
    try:
        image = Image.open(io.BytesIO(encoded), formats=[known for known in FORMATS if known in _readers()])
        image.info[_TURNED_BY_READER] = image.format == "HEIF" and _says_how_to_turn(encoded)
        return image
    except UnidentifiedImageError as error:
        raise PhotoUnreadableError(
            f"{name} is not a photo (not JPEG, PNG, WebP, HEIC, AVIF, BMP or TIFF)."
        ) from error
    except Image.DecompressionBombError as error:
        raise PhotoTooLargeError(f"{name} has far too many pixels.") from error


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


def _upright_rgb(image: Image.Image) -> Photo:
    width, height = image.size
    if image.format in ("JPEG", "MPO"):
        # The JPEG decoder itself shrinks by 2, 4 or 8: a 12-megapixel photo is never fully decoded.
        image.draft(None, (LONG_SIDE, LONG_SIDE))
    image.load()  # before the EXIF block is read: some readers turn the photo, and say so, only here
    turn = _TURNS.get(_orientation(image))
    upright = _shrink(_flatten(_eight_bit(image)))
    if turn is not None:
        upright = upright.transpose(turn)
    if (upright.width > upright.height) != (width > height):
        width, height = height, width
    return Photo(np.ascontiguousarray(upright), width, height)


def _orientation(image: Image.Image) -> int:
    """How the photo, as read, must still be turned."""
    if image.format != "HEIF":
        return int(image.getexif().get(_ORIENTATION, 1))
    # The HEIF reader blanks the EXIF tag and keeps it apart, whether it has turned the photo or not.
    return 1 if image.info.get(_TURNED_BY_READER, True) else int(image.info.get("original_orientation") or 1)


def _says_how_to_turn(heif: bytes) -> bool:
    """Whether the file itself has rotation or mirror properties (ISO 23008-12, 6.5.10 and 6.5.12).

    They win over EXIF, and readers apply them; files without them mean what EXIF says.
    """
    position = 0
    while position + 8 <= len(heif):
        size = int.from_bytes(heif[position : position + 4], "big")
        if heif[position + 4 : position + 8] == b"meta":
            meta = heif[position : position + size]
            return b"irot" in meta or b"imir" in meta
        position += max(size, 8)
    return False


def _shrink(image: Image.Image) -> Image.Image:
    scale = LONG_SIDE / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def _eight_bit(image: Image.Image) -> Image.Image:
    """16-bit greys scaled to 8 bits; Pillow's own conversion would clip them to white."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image).astype(np.float64)
    if image.mode == "F":
        low, high = float(values.min()), float(values.max())
        scaled = (values - low) / (high - low or 1.0) * 255
    else:
        scaled = values.clip(0, 65535) / 257
    return Image.fromarray(scaled.round().astype(np.uint8))


def _flatten(image: Image.Image) -> Image.Image:
    """RGB on white where the photo is transparent."""
    if image.has_transparency_data:
        solid = Image.new("RGBA", image.size, "white")
        solid.alpha_composite(image.convert("RGBA"))
        return solid.convert("RGB")
    return image.convert("RGB")


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
