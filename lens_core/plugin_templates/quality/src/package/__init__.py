"""Finds panoramas, and items whose name fits on no label."""

import attrs

from lens_core import hookimpl
from lens_core.contracts import Finding, Photo
from lens_core.photos.layout import Dataset

HINTS = {"ko": "파노라마가 아닌 일반 사진으로 찍어 주세요", "en": "Take an ordinary photo, not a panorama"}
LABEL = 40


@attrs.frozen
class ShapeOptions:
    ratio: float = attrs.field(default=2.5, validator=attrs.validators.ge(1))
    """Longest side of a photo, as a multiple of the shortest."""


@hookimpl
def options_type() -> type[ShapeOptions]:
    return ShapeOptions


@hookimpl
def check_photo(photo: Photo, options: ShapeOptions) -> list[Finding]:
    ratio = max(photo.width, photo.height) / min(photo.width, photo.height)
    if ratio <= options.ratio:
        return []
    severity = min(ratio / options.ratio - 1, 1)
    return [Finding("panorama", severity, HINTS, measured=ratio)]


@hookimpl
def check_dataset(dataset: Dataset) -> list[Finding]:
    return [
        Finding("long_name", severity=0.1, measured=len(item), where=f"{place}/{item}")
        for place, item in dataset.items
        if len(item) > LABEL
    ]
