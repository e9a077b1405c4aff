"""What the lens, the sensor and the display case's glass do to a picture."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from lens_core.demo.shapes import Array
from lens_core.demo.shot import Shot

# Phones sharpen what they take.
_PHONE = ImageFilter.UnsharpMask(radius=1.5, percent=180, threshold=1)


def develop(picture: Array, shot: Shot, rng: np.random.Generator) -> Image.Image:
    """Glare, light colour, exposure, blur, noise: from light to an 8-bit picture."""
    if shot.glare:
        picture = picture + shot.glare * _glare(shot.size, rng)
    picture = picture * _light_colour(shot.kelvin) * shot.exposure * _vignette(shot.size)
    picture = 1 - np.exp(-1.6 * _smear(picture, shot.motion))  # film-like: highlights roll off
    image = Image.fromarray((picture ** np.float32(1 / 2.2) * 255 + 0.5).astype(np.uint8))
    image = image.filter(ImageFilter.GaussianBlur(shot.defocus)).filter(_PHONE)
    picture = np.asarray(image, np.float32) / 255
    picture = picture + rng.standard_normal(picture.shape, np.float32) * np.float32(shot.noise)
    return Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))


def _glare(size: tuple[int, int], rng: np.random.Generator) -> Array:
    """Lamps mirrored in the display case's glass: a soft streak and two spots."""
    width, height = size
    x, y = np.meshgrid(np.linspace(0, 1, width // 4), np.linspace(0, 1, height // 4))
    slant = rng.uniform(-0.6, 0.6)
    glow = np.exp(-(((x - rng.uniform(0.1, 0.9) + slant * (y - 0.5)) / rng.uniform(0.03, 0.1)) ** 2)) * 0.6
    for _ in range(2):
        cx, cy, r = rng.uniform(0.05, 0.95), rng.uniform(0.05, 0.6), rng.uniform(0.02, 0.06)
        glow = glow + 1.5 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / r**2)
    return enlarge(glow.astype(np.float32), size)[..., None]


def _light_colour(kelvin: float) -> Array:
    """The tint that the phone's white balance leaves of a lamp's colour (about half of it)."""
    warm = (5200 - kelvin) / 5200
    return np.array([1 + 0.28 * warm, 1 + 0.02 * warm, 1 - 0.45 * warm], np.float32)


def _vignette(size: tuple[int, int]) -> Array:
    x, y = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]))
    return np.asarray(1 - 0.18 * (x**2 + y**2), np.float32)[..., None]


def _smear(picture: Array, motion: tuple[float, float]) -> Array:
    """Camera shake: the mean of the picture at a few places along a short line."""
    length, direction = motion
    if not length:
        return picture
    steps = np.linspace(-length / 2, length / 2, 5)
    dx, dy = np.cos(np.radians(direction)), np.sin(np.radians(direction))
    moved = [np.roll(picture, (round(s * dy), round(s * dx)), axis=(0, 1)) for s in steps]
    return np.asarray(np.mean(moved, axis=0), np.float32)


def enlarge(picture: Array, size: tuple[int, int]) -> Array:
    """One float channel at another size."""
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
