"""What to photograph again, and how, in a museum as it is: lamps, glass, little light."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lens_core.audit.remarks import Audit, Remark
from lens_core.audit.removals import copies_in_items, item_of, strays
from lens_core.photos.layout import Dataset
from lens_core.settings import Retake

UNREADY = 60
"""Readiness below which an item needs more and other photos."""
OFTEN = 0.05
"""Share of a place's photos with reflections from which the showcases are to blame, not the photographer."""

_ALL_ROUND = "walk around it, from near and from far, a little from above and from below, at two times of day"
_HOW = {
    "blur": "tap the exhibit to focus, wipe the lens, and brace the phone against a wall or with both elbows",
    "dark": "brace the phone and tap the exhibit; no flash; night mode on, but off where people walk by",
    "bright": "tap the brightest part of the exhibit, flash off, with lamps and windows behind you",
    "glare": "step aside until no lamp is mirrored, flash off, hold the lens against the glass or shade it; "
    "a polarising filter takes the rest",
    "low_contrast": "wipe the lens, avoid fog on the glass, and keep windows out of the photo",
    "off_centre": "keep the exhibit in the middle",
    "too_small": "step closer until the exhibit fills most of the photo, rather than zooming",
    "tiny": "use the original file, not a thumbnail or what a messenger sent on",
    "low_resolution": "use the original files, not thumbnails or what a messenger sent on",
    "same_view": f"{_ALL_ROUND}: what visitors see from the side is missing",
    "same_light": "come back at another hour, with other lamps on, and where there is daylight on a dull day",
    "twins": "photograph from close, of both, what tells the two apart, and include it in photos from afar",
}
_OF_ONE_PHOTO = ("blur", "dark", "bright", "glare", "low_contrast", "off_centre", "too_small", "tiny")
_NOTICEABLE = 0.25


def retakes(found: Audit, dataset: Dataset, min_images: int, removed: set[str]) -> list[Retake]:
    """What to photograph again once ``removed`` is left out; all that concerns one item stands together."""
    wanted = [
        *_too_few(found, dataset, min_images, removed),
        *_to_decide(found, removed),
        *_copies(found, removed),
        *_of_items(found),
        *_of_photos(found, removed),
    ]
    return [
        *_places_with_reflections(found, dataset),
        *sorted(wanted, key=lambda one: one.what.split("/")[:2]),
    ]


def _too_few(found: Audit, dataset: Dataset, min_images: int, removed: set[str]) -> Iterator[Retake]:
    gone = [item_of(photo) for photo in removed]
    for label, count in dataset.counts().items():
        item = "/".join(label)
        left = count - gone.count(item)
        if left < min_images:
            how = f"add at least {min_images - left}: {_ALL_ROUND}"
            yield Retake(item, how, f"{left} usable photos; {min_images} are the least")


def _to_decide(found: Audit, removed: set[str]) -> Iterator[Retake]:
    for remark in found.remarks:
        if remark.check == "contradiction" and not {remark.path, remark.other} & removed:
            how = f"decide which item it shows, and remove it or {remark.other} from the other"
            yield Retake(remark.path, how, remark.text)
    for remark in strays(found):
        if remark.path not in removed:
            how = f"decide whether it shows {remark.other}, and move it there if so"
            yield Retake(remark.path, how, remark.text)


def _copies(found: Audit, removed: set[str]) -> Iterator[Retake]:
    for shot in copies_in_items(found, removed):
        how = f"replace the copies ({len(shot) - 1}), which stay only because there are so few photos"
        yield Retake(item_of(shot[0]), how, f"{', '.join(map(_file, shot))} are one shot")


def _of_items(found: Audit) -> Iterator[Retake]:
    for item in found.items:
        if item.readiness is not None and item.readiness < UNREADY:
            reason = f"readiness {item.readiness}: about so many of 100 visitors' photos will be recognised"
            yield Retake(item.path, f"take more photos of it: {_ALL_ROUND}", reason)
    for remark in found.remarks:
        if remark.check in ("same_view", "same_light", "twins", "low_resolution"):
            yield Retake(
                remark.path, _HOW[remark.check], re.split("[:;] (?=photograph|walk)", remark.text)[0]
            )


def _of_photos(found: Audit, removed: set[str]) -> Iterator[Retake]:
    """One entry per item and fault."""
    spoiled: dict[tuple[str, str], list[Remark]] = {}
    for remark in found.remarks:
        if _is_of_one_photo(remark) and remark.path not in removed:
            spoiled.setdefault((item_of(remark.path), remark.check), []).append(remark)
    for (item, check), remarks in spoiled.items():
        what = remarks[0].path if len(remarks) == 1 else item
        worst = max(remark.severity for remark in remarks)
        photos = ", ".join(_file(remark.path) for remark in remarks)
        yield Retake(what, _HOW[check], f"{check} in {photos} (severity up to {worst:.2f})")


def _places_with_reflections(found: Audit, dataset: Dataset) -> Iterator[Retake]:
    mirrored = [remark.path.partition("/")[0] for remark in found.remarks if remark.check == "glare"]
    for place in dataset.places:
        photos = sum(photo.place == place for photo in dataset.photos)
        if mirrored.count(place) >= max(2, OFTEN * photos):
            reason = f"reflections in {mirrored.count(place)} of its {photos} photos"
            yield Retake(place, f"in front of its showcases, {_HOW['glare']}", reason)


def _is_of_one_photo(remark: Remark) -> bool:
    return remark.check in _OF_ONE_PHOTO and remark.severity >= _NOTICEABLE


def _file(photo: str) -> str:
    return photo.rpartition("/")[2]
