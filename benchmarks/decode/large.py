"""Honest photos of as many pixels as are allowed, with the noise of a small sensor indoors."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "photos" / "golden"))
import golden_files as files
from golden_files import exif, png
from golden_profiles import display_p3

Values = np.ndarray[Any, Any]

SIZE = WIDTH, HEIGHT = 8192, 6400
NOISE = 12.0
SIDEWAYS = 6


def noisy(channels: int = 3) -> Values:
    """uint8[H, W, channels]: a gradient under noise."""
    noise = np.random.default_rng(0).normal(0, NOISE, (HEIGHT, WIDTH, 1)).astype(np.float32)
    slope = np.linspace(40, 200, WIDTH, dtype=np.float32)[None, :, None]
    return np.repeat((slope + noise).clip(0, 255).astype(np.uint8), channels, axis=2)


def saved(kind: str, channels: int = 3, mode: str | None = None, **how: Any) -> bytes:
    image = Image.fromarray(noisy(channels)) if mode is None else Image.frombytes(mode, SIZE, noisy(channels))
    file = io.BytesIO()
    if mode != "CMYK":
        how |= {"icc_profile": display_p3()}
    image.save(file, kind, **({"exif": exif(SIDEWAYS)} if kind != "BMP" else {}), **how)
    return file.getvalue()


def heic(quality: int) -> bytes:
    pillow_heif.register_heif_opener()
    return saved("HEIF", quality=quality, enc_params={"preset": "ultrafast"})


def heic_of_tiles() -> bytes:
    """As phones store it."""
    pillow_heif.register_heif_opener()
    return files.heic_of_tiles(Image.fromarray(noisy()[:512, :512]), 12, 16, (8192, 6144))


def png_16_bit() -> bytes:
    wide = np.repeat(noisy(4), 2, axis=2)  # each byte twice: 16-bit numbers
    return png(SIZE, b"".join(b"\0" + row.tobytes() for row in wide), depth=16, colour_type=6)


def tiff_of_floats() -> bytes:
    file = io.BytesIO()
    Image.fromarray(noisy(1)[..., 0].astype(np.float32)).save(file, "TIFF", compression="tiff_adobe_deflate")
    return file.getvalue()


def grey_16_bit() -> bytes:
    file = io.BytesIO()
    Image.fromarray(noisy(1)[..., 0].astype(np.uint16) * 257).save(file, "PNG", compress_level=1)
    return file.getvalue()


LARGE: dict[str, Callable[[], bytes]] = {
    "50 megapixels: JPEG": lambda: saved("JPEG", quality=90),
    "50 megapixels: JPEG 4:4:4, progressive": lambda: saved(
        "JPEG", quality=92, subsampling=0, progressive=True
    ),
    "50 megapixels: JPEG CMYK, progressive": lambda: saved("JPEG", 4, "CMYK", quality=92, progressive=True),
    "50 megapixels: PNG": lambda: saved("PNG", compress_level=1),
    "50 megapixels: PNG RGBA": lambda: saved("PNG", 4, compress_level=1),
    "50 megapixels: PNG 16-bit RGBA": png_16_bit,
    "50 megapixels: PNG 16-bit grey": grey_16_bit,
    "50 megapixels: WebP": lambda: saved("WEBP", quality=80, method=0),
    "50 megapixels: WebP lossless RGBA": lambda: saved("WEBP", 4, lossless=True, quality=0, method=0),
    "50 megapixels: AVIF": lambda: saved("AVIF", quality=60, speed=10),
    "50 megapixels: HEIC of 192 tiles": heic_of_tiles,
    "50 megapixels: HEIC in one piece, 11 MB": lambda: heic(40),
    "50 megapixels: HEIC in one piece, 23 MB": lambda: heic(60),
    "50 megapixels: TIFF": lambda: saved("TIFF"),
    "50 megapixels: TIFF deflate": lambda: saved("TIFF", compression="tiff_adobe_deflate"),
    "50 megapixels: TIFF LZW": lambda: saved("TIFF", compression="tiff_lzw"),
    "50 megapixels: TIFF CMYK LZW": lambda: saved("TIFF", 4, "CMYK", compression="tiff_lzw"),
    "50 megapixels: TIFF of floats, deflate": tiff_of_floats,
    "50 megapixels: BMP": lambda: saved("BMP"),
}
