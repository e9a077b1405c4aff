"""Copies of good photos, spoilt the ways visitors spoil theirs; lengths are shares of the long side."""

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from lens_core.contracts import Floats, Photo, Pixels

_SRGB = np.arange(256) / 255
_LINEAR = np.where(_SRGB <= 0.04045, _SRGB / 12.92, ((_SRGB + 0.055) / 1.055) ** 2.4).astype(np.float32)


def copies(image: Image.Image, rng: np.random.Generator) -> Iterator[tuple[str, Photo]]:
    """The photo, and what could have become of it, each with a name."""
    pixels = np.asarray(image)
    yield "as it is", photo(pixels)
    yield "on white paper", photo(on_white(pixels))
    for px in (2, 3, 4, 6):
        yield f"Gaussian blur {px} px", photo(blurred(image, px / 1024))
    for px in (10, 16, 24):
        yield f"moved {px} px", photo(moved(pixels, px / 1024, rng.uniform(0, np.pi)))
    for stops in (-4, -3, -2, 1, 2, 3):
        yield f"{stops:+d} stops", photo(exposed(pixels, stops, rng))
    for count in (1, 3):
        yield f"{count} mirrored lamps", photo(with_lamps(pixels, count, rng))
    yield "mirrored window", photo(with_window(pixels, rng))
    for share in (0.5, 0.7, 0.8, 0.9):
        yield f"{share:.0%} haze", photo(hazed(pixels, share))
    for share in (0.2, 0.3, 0.4):
        yield f"cut off at {share:.0%}", photo(cut_off(pixels, share, rng))
    for share in (0.25, 0.5, 1.0):
        yield f"aside by {share:.0%}", photo(aside(pixels, share, rng))
    for times in (2, 3, 4, 6):
        yield f"{times} times as far", photo(farther(image, times))
    for side in (200, 120, 64):
        yield f"short side {side}", photo(shrunk(image, side))


def photo(pixels: Pixels) -> Photo:
    return Photo(np.ascontiguousarray(pixels), pixels.shape[1], pixels.shape[0])


def on_white(pixels: Pixels) -> Pixels:
    """A catalogue photo: what has about the colour of the border becomes pure white."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    distance = np.abs(pixels.astype(int) - np.median(border, axis=0)).max(axis=2)
    return np.where(distance[..., None] < 40, 255, pixels).astype(np.uint8)


def blurred(image: Image.Image, radius: float) -> Pixels:
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius * max(image.size))))


def moved(pixels: Pixels, length: float, angle: float) -> Pixels:
    """The mean of copies shifted along a line."""
    length *= max(pixels.shape)
    steps = np.linspace(-length / 2, length / 2, 2 * round(length) + 1)
    shifts = np.stack([np.sin(angle) * steps, np.cos(angle) * steps], axis=1).round().astype(int)
    total = sum(np.roll(pixels, tuple(shift), axis=(0, 1)).astype(np.float32) for shift in shifts)
    edge = int(length) + 1  # what np.roll wrapped around
    return (np.asarray(total) / len(shifts)).round().astype(np.uint8)[edge:-edge, edge:-edge]


def exposed(pixels: Pixels, stops: int, rng: np.random.Generator) -> Pixels:
    """Twice the light per stop, clipped at white; a dark one gets a sensor's noise (sigma 3 of 255)."""
    curve = _developed(_LINEAR * 2.0**stops)
    noise = rng.normal(0, 3, pixels.shape) if stops < 0 else 0
    return (curve[pixels] + noise).round().clip(0, 255).astype(np.uint8)


def with_lamps(pixels: Pixels, count: int, rng: np.random.Generator) -> Pixels:
    """Lamps in the glass: burnt-out, warm white discs of 1 to 4 % with a glow around them."""
    height, width, _ = pixels.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    light = _LINEAR[pixels]
    for _ in range(count):
        distance = np.hypot(x - rng.uniform(0.2, 0.8) * width, y - rng.uniform(0.2, 0.8) * height)
        radius = rng.uniform(0.01, 0.04) * max(height, width)
        glow = 2 * np.exp(-((distance / radius) ** 2)) + 0.25 * np.exp(-distance / (2.5 * radius))
        light = light + glow[..., None] * np.array([1, 0.97, 0.9], dtype=np.float32)
    return _developed(light).round().astype(np.uint8)


def with_window(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A bright window in the glass, through which the exhibit still shows."""
    height, width, _ = pixels.shape
    mirrored = Image.new("L", (width, height))
    left, top = rng.uniform(0.15, 0.5) * width, rng.uniform(0.1, 0.4) * height
    wide, high = rng.uniform(0.12, 0.3, 2) * max(width, height)
    corners = [(left, top), (left + wide, top + 0.1 * high), (left + wide, top + high), (left, top + high)]
    ImageDraw.Draw(mirrored).polygon(corners, fill=255)
    soft = np.asarray(mirrored.filter(ImageFilter.GaussianBlur(0.004 * max(width, height))), np.float32)
    return _developed(_LINEAR[pixels] + 0.7 * soft[..., None] / 255).round().astype(np.uint8)


def hazed(pixels: Pixels, share: float) -> Pixels:
    """A grey veil (level 200) over the photo, as fogged glass lays it."""
    return (pixels * (1 - share) + 200 * share).round().astype(np.uint8)


def cut_off(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """Without one of its sides: what was in the middle is now near an edge, part of it beyond."""
    pixels = np.rot90(pixels, rng.integers(4))
    return np.rot90(pixels[:, round(share * pixels.shape[1]) :], rng.integers(4))


def aside(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """With more background on one side: the exhibit is whole, and off the middle."""
    pixels = np.rot90(pixels, rng.integers(4))
    more = round(share * pixels.shape[1])
    return np.rot90(_extended(pixels, ((0, 0), (0, more))), rng.integers(4))


def farther(image: Image.Image, times: int) -> Pixels:
    """The photo small in the middle of its own background."""
    small = np.asarray(image.reduce(times))
    high, wide = (image.height - small.shape[0]) // 2, (image.width - small.shape[1]) // 2
    return _extended(small, ((high, high), (wide, wide)))


def shrunk(image: Image.Image, side: int) -> Pixels:
    scale = side / min(image.size)
    return np.asarray(image.resize((round(image.width * scale), round(image.height * scale))))


def _extended(pixels: Pixels, more: tuple[tuple[int, int], tuple[int, int]]) -> Pixels:
    """Background continues beyond the edges, out of focus, with the photo's own grain."""
    wide = np.pad(pixels, (*more, (0, 0)), mode="edge")
    blurry = Image.fromarray(wide).filter(ImageFilter.GaussianBlur(0.05 * max(wide.shape)))
    continued = np.asarray(blurry) + np.random.default_rng(0).normal(0, 1.5, wide.shape)
    inside = np.pad(np.ones(pixels.shape[:2], np.float32), more)
    return np.where(inside[..., None] > 0, wide, continued.clip(0, 255)).astype(np.uint8)


def _developed(light: Floats) -> Floats:
    """Linear light -> sRGB levels 0..255."""
    light = np.minimum(light, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * 255
