"""How often the checks speak, on sharp photos and on spoilt copies of them: the tables of README.md.

python plugins/quality/photo/measure.py FOLDER [every nth photo] [half: 0 or 1]

Photos of one folder (an item) are all in the same half: thresholds are chosen on half 0, reported on half 1.
"""

import sys
from collections import Counter, defaultdict
from pathlib import Path
from zlib import crc32

import numpy as np
from ai_lens_photo import PHOTO_CHECKS, check_photo
from ai_lens_photo.options import PhotoOptions
from PIL import Image, ImageOps
from spoil import copies

CHECKS = [check.__name__ for check in PHOTO_CHECKS]


def load(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.draft("RGB", (1024, 1024))
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((1024, 1024), Image.Resampling.BICUBIC)
    return upright


def photos(folder: Path, every: int, half: int | None) -> list[Path]:
    """The JPEGs below ``folder``; photos that lie in it directly are items of their own."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".jpg")
    return [path for path in found if half in (None, _half(path, folder))][::every]


def _half(path: Path, folder: Path) -> int:
    item = path if path.parent == folder else path.parent
    return crc32(item.name.encode()) % 2


def main(folder: Path, every: int, half: int | None) -> None:
    rng = np.random.default_rng(0)
    chosen = photos(folder, every, half)
    said: dict[str, Counter[str]] = defaultdict(Counter)
    for path in chosen:
        for name, photo in copies(load(path), rng):
            said[name].update(finding.check for finding in check_photo(photo, PhotoOptions()))
    print(f"{len(chosen)} photos, percent\n{'':20}" + "".join(f"{check:>13}" for check in CHECKS))
    for name, counts in said.items():
        print(f"{name:20}" + "".join(f"{counts[check] / len(chosen):13.1%}" for check in CHECKS))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(
        Path(arguments[0]),
        int(arguments[1]) if len(arguments) > 1 else 1,
        int(arguments[2]) if len(arguments) > 2 else None,
    )
