"""How close is `validate-data` to the time that decoding the photos takes anyway?

Photos a second with an empty cache, against decoding alone on as many threads, and once more when every
photo is known; each the median of three runs, side by side. Museum photos have 0.2 megapixels; the others
are as phones make them: 12 megapixels, 3 MB, made larger from the same photos.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared import MUSEUMS, need_shared, report

from lens_core.audit.audit import audit
from lens_core.photos.decode import decode
from lens_core.photos.layout import Dataset, scan

RUNS = 3
PHONE = (4032, 3024)
PHONE_ITEMS, PHONE_PHOTOS = 10, 10


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def decode_all(dataset: Dataset) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda photo: decode(photo.path).width, dataset.photos):
            pass


def measure(dataset: Dataset) -> dict[str, float]:
    """Photos a second."""
    runs: dict[str, list[float]] = {"decode": [], "first time": [], "again": []}
    for _ in range(RUNS):
        runs["decode"].append(seconds(lambda: decode_all(dataset)))
        with tempfile.TemporaryDirectory() as cache:
            os.environ["AI_LENS_CACHE_DIR"] = cache
            for name in ("first time", "again"):
                runs[name].append(seconds(lambda: audit(dataset, 1)))
    return {name: len(dataset.photos) / statistics.median(taken) for name, taken in runs.items()}


def phone_photos(folder: Path) -> Dataset:
    random = np.random.default_rng(0)
    places = sorted((MUSEUMS / "data").iterdir())
    for item in sorted(places[0].iterdir())[:PHONE_ITEMS]:
        (folder / "A" / item.name).mkdir(parents=True)
        for photo in sorted(item.iterdir())[:PHONE_PHOTOS]:
            large = np.asarray(Image.open(photo).convert("RGB").resize(PHONE), np.int16)
            noise = random.integers(-6, 7, large.shape, np.int16)
            image = Image.fromarray((large + noise).clip(0, 255).astype(np.uint8))
            image.save(folder / "A" / item.name / photo.name, quality=85)
    return scan(folder)


def main() -> None:
    need_shared()
    with tempfile.TemporaryDirectory() as folder:
        found = {
            "museum photos": measure(scan(MUSEUMS / "data")),
            "12-megapixel photos": measure(phone_photos(Path(folder))),
        }
    rows = [
        [name, *(f"{rate:.0f}" for rate in rates.values()), f"{rates['first time'] / rates['decode']:.0%}"]
        for name, rates in found.items()
    ]
    head = ["photos a second", "decoding alone", "validate-data", "once more", "of the decode limit"]
    report(__file__, f"validate-data on {os.cpu_count()} cores", head, rows, found, name="speed")


if __name__ == "__main__":
    main()
