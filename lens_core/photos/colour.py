"""Whatever kind of colours a photo has, they become 8-bit sRGB on white."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

BAD_PROFILE = "its colour profile is damaged or of another kind and was ignored"
NOT_NUMBERS = "pixels whose value is not a number are black"

MOST_PROFILE_BYTES = 4 * 1024 * 1024
"""The largest profiles in use (of printing presses) have 3 MB; tables beyond that are built to cost time."""
SAME_COLOUR = 2
"""Steps of 255. Colour profiles that all mean sRGB differ by this much in rounding."""
_ROWS = 256
"""16-bit and float pixels are scaled this many rows at a time: a copy of all would cost 8 bytes a pixel."""


def eight_bit(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """The photo in one of the modes L, LA, RGB, RGBA and CMYK, and notes on what was lost.

    16-bit greys are scaled (Pillow's own conversion clips them to white), floats to their own range.
    """
    if image.mode == "F":
        return _scaled_floats(image)
    if image.mode.startswith("I"):
        return _by_rows(image, lambda values: values.clip(0, 65535) / 257), ()
    if image.mode in ("L", "LA", "RGB", "RGBA", "CMYK") and "transparency" not in image.info:
        return image, ()
    if image.has_transparency_data:
        return image.convert("RGBA"), ()
    return image.convert("L" if image.mode == "1" else "RGB"), ()


def to_srgb(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """RGB on white where an ``eight_bit`` photo is transparent, and notes.

    Colours are converted by the profile in the photo (ICC.1, relative colorimetric with black point
    compensation, as photo editors do). Photos without one, or with one that is broken, count as sRGB.
    """
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    plain = image.convert({"LA": "L", "RGBA": "RGB"}[image.mode]) if alpha else image
    rgb, notes = _by_profile(plain, image.info.get("icc_profile"))
    if alpha is None:
        return rgb, notes
    on_white = Image.new("RGB", rgb.size, "white")
    on_white.paste(rgb, mask=alpha)
    return on_white, notes


def _by_profile(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, tuple[str, ...]]:
    if not profile:
        return image.convert("RGB"), ()
    try:
        mode = "RGB" if image.mode == "L" and _is_rgb(profile) else image.mode
        image = image.convert(mode)
        transform = _transform(profile, mode)
        converted = transform.apply(image) if transform else image.convert("RGB")
    except (OSError, ValueError, ImageCms.PyCMSError):
        return image.convert("RGB"), (BAD_PROFILE,)
    return converted, ()


def _is_rgb(profile: bytes) -> bool:
    """Many editors leave the profile of the screen in a photo that they made grey."""
    return profile[16:20] == b"RGB "  # ICC.1:2022, 7.2.8


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From the profile to sRGB, for ``mode``; None where that would change nothing."""
    if len(profile) > MOST_PROFILE_BYTES:
        raise ValueError("this colour profile is too large")
    transform = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return None if mode != "CMYK" and _changes_nothing(transform, mode) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    probe = Image.fromarray(colours if mode == "RGB" else steps[None])
    before, after = (
        np.asarray(picture, np.int16) for picture in (probe.convert("RGB"), transform.apply(probe))
    )
    return int(np.abs(after - before).max()) <= SAME_COLOUR


def _scaled_floats(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    low, high, unknown = np.inf, -np.inf, False
    for _, values in _blocks(image):
        unknown = unknown or bool(np.isnan(values).any())
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low > high:  # no number at all
        low = high = 0.0

    def scale(values: NDArray[np.float64]) -> NDArray[np.float64]:
        known = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
        return (known - low) / (high - low or 1.0) * 255

    return _by_rows(image, scale), ((NOT_NUMBERS,) if unknown else ())


def _by_rows(image: Image.Image, scale: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Image.Image:
    grey = Image.new("L", image.size)
    grey.info = image.info
    for top, values in _blocks(image):
        grey.paste(Image.fromarray(scale(values).round().astype(np.uint8)), (0, top))
    return grey


def _blocks(image: Image.Image) -> Iterator[tuple[int, NDArray[np.float64]]]:
    for top in range(0, image.height, _ROWS):
        rows = image.crop((0, top, image.width, min(top + _ROWS, image.height)))
        with np.errstate(invalid="ignore"):  # of the kinds of "not a number" that are there to warn
            values = np.asarray(rows).astype(np.float64)
        yield top, values
