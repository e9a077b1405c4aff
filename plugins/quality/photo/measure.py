"""How often the checks speak, on sharp photos and on spoilt copies of them: the tables of README.md.

python plugins/quality/photo/measure.py FOLDER [every nth photo]
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ai_lens_photo import check_photo
from ai_lens_photo.options import PhotoOptions
from PIL import Image, ImageFilter, ImageOps

from lens_core.contracts import Photo, Pixels

CHECKS = ("blur", "dark", "bright")
STOPS = (-4, -3, -2, -1, 1, 2, 3)
_SRGB = np.arange(256) / 255
_LINEAR = np.where(_SRGB <= 0.04045, _SRGB / 12.92, ((_SRGB + 0.055) / 1.055) ** 2.4)


def load(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.draft("RGB", (1024, 1024))
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((1024, 1024), Image.Resampling.BICUBIC)
    return upright


def spoilt(image: Image.Image, rng: np.random.Generator) -> Iterator[tuple[str, Pixels]]:
    """The photo, and copies blurred, moved and wrongly exposed; lengths are pixels at long side 1024."""
    unit = max(image.size) / 1024
    yield "as it is", np.asarray(image)
    yield "on white paper", on_white(np.asarray(image))
    for radius in (2, 3, 4, 6):
        yield f"Gaussian {radius} px", np.asarray(image.filter(ImageFilter.GaussianBlur(radius * unit)))
    for length in (10, 16, 24):
        yield f"moved {length} px", moved(np.asarray(image), length * unit, rng.uniform(0, np.pi))
    for stops in STOPS:
        yield f"{stops:+d} stops", exposed(np.asarray(image), stops, rng)


def on_white(pixels: Pixels) -> Pixels:
    """A catalogue photo: what has about the colour of the border becomes pure white."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    distance = np.abs(pixels.astype(int) - np.median(border, axis=0)).max(axis=2)
    return np.where(distance[..., None] < 40, 255, pixels).astype(np.uint8)


def moved(pixels: Pixels, length: float, angle: float) -> Pixels:
    """The mean of copies shifted along a line of ``length`` pixels."""
    steps = np.linspace(-length / 2, length / 2, 2 * round(length) + 1)
    shifts = np.stack([np.sin(angle) * steps, np.cos(angle) * steps], axis=1).round().astype(int)
    total = sum(np.roll(pixels, tuple(shift), axis=(0, 1)).astype(np.float32) for shift in shifts)
    edge = int(length) + 1  # what np.roll wrapped around
    return (np.asarray(total) / len(shifts)).round().astype(np.uint8)[edge:-edge, edge:-edge]


def exposed(pixels: Pixels, stops: int, rng: np.random.Generator) -> Pixels:
    """Twice the light per stop, clipped at white; a dark one gets a sensor's noise (sigma 3 of 255)."""
    light = np.minimum(_LINEAR * 2.0**stops, 1)
    curve = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    changed = curve[pixels] + (rng.normal(0, 3, pixels.shape) if stops < 0 else 0)
    return changed.round().clip(0, 255).astype(np.uint8)


def main(folder: Path, every: int) -> None:
    rng = np.random.default_rng(0)
    photos = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".jpg")[::every]
    said: dict[str, Counter[str]] = defaultdict(Counter)
    for path in photos:
        for name, pixels in spoilt(load(path), rng):
            photo = Photo(pixels, pixels.shape[1], pixels.shape[0])
            said[name].update(finding.check for finding in check_photo(photo, PhotoOptions()))
    print(f"{len(photos)} photos\n{'':16}" + "".join(f"{check:>8}" for check in CHECKS))
    for name, counts in said.items():
        print(f"{name:16}" + "".join(f"{counts[check] / len(photos):8.3f}" for check in CHECKS))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
