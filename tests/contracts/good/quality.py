"""A small quality checker that keeps its contract: flat photos, and items with a single photo."""

from collections import Counter

from lens_core import hookimpl
from lens_core.contracts import Finding
from lens_core.errors import DataError
from lens_core.photos.decode import decode

HINTS = {"ko": "더 밝은 곳에서", "en": "Find more light"}


@hookimpl
def check_photo(photo):
    pixels = photo.pixels
    spread = float(pixels.std())
    if spread > 80:
        return []
    return [Finding("flat", severity=1 - spread / 80, hints=HINTS, measured=spread)]


@hookimpl
def check_dataset(dataset):
    seen = Counter()
    for photo in dataset.photos:
        try:
            seen[photo.place, photo.item] += decode(photo.path).pixels.size > 0
        except DataError:
            continue
    lonely = [key for key, count in seen.items() if count == 1]
    return [Finding("lonely", severity=0.5, where=f"{place}/{item}") for place, item in lonely]
