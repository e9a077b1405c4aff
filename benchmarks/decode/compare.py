"""From a 12-megapixel phone photo to upright sRGB pixels of long side about 1024: ours, and the usual ways.

All are given the same bytes in one run, in turns. What each gets wrong is found in its pixels.
"""

from __future__ import annotations

import io
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image
from ways import WAYS, Pixels, Way

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "photos" / "golden"))
from golden_profiles import display_p3
from shared import SHARED, need_shared, report

from lens_core.photos.decode import LONG_SIDE, decode

REAL = SHARED / "photos" / "exif" / "maritime__orient1__10.jpg"
PHONE = (4032, 3024)
NOISE = 4.0
"""Steps of 255: what a small sensor adds indoors. Makes the JPEG as large as a phone's."""
SIDEWAYS = 6
ENOUGH = 896
"""Pixels of the long side that no way need exceed."""
ROUNDS = 15


def phone_photos() -> dict[str, tuple[bytes, bytes]]:
    """Name: (the photo as a phone held upright writes it, the same without its colour profile)."""
    pillow_heif.register_heif_opener()
    with Image.open(REAL) as real:
        exif = real.getexif()
        large = np.asarray(real.convert("RGB").resize(PHONE, Image.Resampling.LANCZOS), np.float32)
    exif[0x0112] = SIDEWAYS
    noise = np.random.default_rng(0).normal(0, NOISE, (*large.shape[:2], 1))
    photo = Image.fromarray((large + noise).clip(0, 255).astype(np.uint8))

    def saved(kind: str, profile: bytes | None, **how: Any) -> bytes:
        file = io.BytesIO()
        photo.save(file, kind, exif=exif.tobytes(), icc_profile=profile, **how)
        return file.getvalue()

    return {
        "JPEG": (saved("JPEG", display_p3(), quality=91), saved("JPEG", None, quality=91)),
        "HEIC": (saved("HEIF", display_p3(), quality=60), saved("HEIF", None, quality=60)),
    }


def installed() -> dict[str, Way]:
    ways, missing = {}, set()
    for name, (make, package) in WAYS.items():
        try:
            ways[name] = make()
        except ImportError:
            missing.add(package)
    if missing:
        print(f"Not measured; to install: pip install {' '.join(sorted(missing))}", file=sys.stderr)
    return ways


def measured(ways: dict[str, Way], encoded: bytes) -> dict[str, float]:
    """Median seconds of each way, all in turns, after one round that warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way(encoded)
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(runs[1:]) for name, runs in seconds.items()}


def wrong(pixels: Pixels, right: Pixels, profile_ignored: Pixels) -> str:
    if pixels.shape[0] < pixels.shape[1]:
        pixels, found = np.rot90(pixels, -1), ["lies on its side"]
    else:
        found = []
    if not ENOUGH <= max(pixels.shape) <= LONG_SIDE:
        found.append(f"long side {max(pixels.shape)}")
    if pixels.shape != right.shape:
        pixels = np.asarray(Image.fromarray(pixels).resize(right.shape[1::-1]))
    if _apart(pixels, profile_ignored) < _apart(pixels, right):
        found.append("colour profile ignored")
    return ", ".join(found) or "nothing"


def _apart(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(np.int16) - other).mean())


def rows_of(kind: str, ways: dict[str, Way], photo: bytes, without_profile: bytes) -> list[dict[str, Any]]:
    right, profile_ignored = decode(photo).pixels, decode(without_profile).pixels
    mistakes, able = {}, {}
    for name, way in ways.items():
        try:
            mistakes[name] = wrong(way(photo), right, profile_ignored)
            able[name] = way
        except Exception as error:  # noqa: BLE001 - whatever a library raises, it cannot read it
            reason = " ".join(f"{error}".split()).partition(".")[0][:60]
            print(f"{name} cannot read {kind}: {reason}", file=sys.stderr)
            mistakes[name] = f"cannot read {kind}"
    seconds = measured(able, photo)
    return [{"photo": kind, "way": name, "s": seconds.get(name), "wrong": mistakes[name]} for name in ways]


def main() -> None:
    need_shared(REAL)
    ways, photos, found = installed(), phone_photos(), []
    for kind, (photo, without_profile) in photos.items():
        found += rows_of(kind, ways, photo, without_profile)
    ours = {row["photo"]: row["s"] for row in found if row["way"] == "ai-lens"}
    rows = [
        (
            f"{row['photo']}, {len(photos[row['photo']][0]) / 1e6:.1f} MB",
            row["way"],
            f"{row['s'] * 1000:.0f}" if row["s"] else "-",
            f"{row['s'] / ours[row['photo']]:.2f}" if row["s"] else "-",
            row["wrong"],
        )
        for row in found
    ]
    head = ("photo", "way", "ms", "times ours", "what it gets wrong")
    report(__file__, f"A 12-megapixel phone photo, median of {ROUNDS} rounds", head, rows, found)


if __name__ == "__main__":
    main()
