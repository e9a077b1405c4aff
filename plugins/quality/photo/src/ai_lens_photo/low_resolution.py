"""Items most of whose photos have too few pixels. Reads the photos' headers only."""

import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from ai_lens_photo.options import PhotoOptions
from ai_lens_photo.severity import severity
from lens_core.contracts import Finding
from lens_core.photos.decode import FORMATS
from lens_core.photos.layout import Dataset

MOST = 0.5
"""Share of an item's photos from where on it is worth a word; single ones are found photo by photo."""


def low_resolution(dataset: Dataset, options: PhotoOptions) -> Iterator[Finding]:
    """A finding for every item most of whose photos are below ``options.low_resolution_side``."""
    sides = defaultdict(list)
    for photo in dataset.photos:
        if side := _short_side(photo.path):
            sides[photo.place, photo.item].append(side)
    for (place, item), found in sides.items():
        share = sum(side < options.low_resolution_side for side in found) / len(found)
        if share > MOST:
            hints = _hints(share, options.low_resolution_side)
            yield Finding(
                "low_resolution", severity(share, MOST, 1), hints, round(share, 2), where=f"{place}/{item}"
            )


def _short_side(path: Path) -> int:
    """In pixels; 0 for a file that is no photo, which the audit itself reports."""
    Image.init()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large images
        try:
            with Image.open(path, formats=[known for known in FORMATS if known in Image.OPEN]) as image:
                return min(image.size)
        except Exception:  # noqa: BLE001 # broken files make Pillow's readers fail in many ways
            return 0


def _hints(share: float, side: int) -> dict[str, str]:
    return {
        "ko": f"사진의 {share:.0%}가 짧은 변 {side}픽셀 미만: 더 큰 원본으로 바꾸세요",
        "en": f"{share:.0%} of the photos have a short side below {side} pixels: use larger originals",
    }
