"""Which changes to photos, and which balance, suit this data; each with the figures it rests on."""

from __future__ import annotations

from statistics import median
from typing import Any

import attrs

from lens_core.audit.remarks import Audit
from lens_core.audit.removals import item_of
from lens_core.audit.retakes import OFTEN
from lens_core.settings import Augment, Balance, Settings

LITTLE_LIGHT_CHANGE = 0.13
"""Lightness (0 to 1) of an item's brightest photo minus its darkest's; of 42 real items none had less."""
STRONG_JITTER = 0.4
DIM = 0.25
"""Lightness below which phones expose so long that hands shake."""
LOPSIDED = 3
"""Times as many photos as the item with the fewest."""

_FROM_THE_SIDE = (
    "As it was set: photos do not tell whether visitors can stand in front of every exhibit. true if not."
)
_COMPRESSED = "As it was set: photos do not tell how visitors' apps send theirs. true if much compressed."

Reasons = dict[str, str]
"""Why a setting is proposed, by its dotted key."""


def augmentation(found: Audit, settings: Settings) -> tuple[Augment, Reasons]:
    """The changes to training photos that this data lacks."""
    chosen: dict[str, Any] = {}
    reasons: Reasons = {}
    for key, (value, reason) in {
        "random_resized_crop": (True, "Visitors stand nearer and farther away than who took these photos."),
        "color_jitter": _jitter(found, settings.augment.color_jitter),
        "horizontal_flip": _flip(found, settings.augment.horizontal_flip),
        "gaussian_blur": _blur(found, settings.augment.gaussian_blur),
        "glare": _glare(found, settings.augment.glare),
        "perspective": (settings.augment.perspective, _FROM_THE_SIDE),
        "jpeg": (settings.augment.jpeg, _COMPRESSED),
    }.items():
        chosen[key], reasons[f"augment.{key}"] = value, reason
    return attrs.evolve(settings.augment, **chosen), reasons


def balance(found: Audit, removed: set[str], settings: Settings) -> tuple[Balance, str]:
    """How often each item should be shown, once ``removed`` is left out."""
    gone = [item_of(photo) for photo in removed]
    counts = {item.path: item.photos - gone.count(item.path) for item in found.items}
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    if counts[most] == counts[least]:
        return settings.balance, f"Every item has {counts[most]} photos."
    figures = f"{most} has {counts[most]} photos, {least} has {counts[least]}"
    if counts[most] >= LOPSIDED * counts[least]:
        return "items", f"{figures}: shown photo by photo, a model learns to answer with the many."
    return settings.balance, f"{figures}: less than {LOPSIDED} times as many."


def _jitter(found: Audit, now: float) -> tuple[float, str]:
    by_item: dict[str, list[float]] = {}
    for photo in found.readable:
        by_item.setdefault(item_of(photo.path), []).append(photo.lightness)
    changes = [max(lights) - min(lights) for lights in by_item.values() if len(lights) > 1]
    if not changes:
        return now, "No item has two photos whose light could be compared."
    figures = f"Between the darkest and the brightest photo of an item lie {median(changes):.2f} (of 1)"
    if median(changes) < LITTLE_LIGHT_CHANGE:
        return max(now, STRONG_JITTER), f"{figures}, which is little: visitors come in every light."
    return now, f"{figures}: the photos themselves show different light."


def _flip(found: Audit, now: bool) -> tuple[bool, str]:
    for pair in found.pairs:
        one, other = item_of(pair.first), item_of(pair.second)
        if pair.mirrored and one != other and one.partition("/")[0] == other.partition("/")[0]:
            return False, f"{pair.second} is the mirror image of {pair.first}, another item of its place."
    return now, "No photo of an item is the mirror image of another item's of its place."


def _blur(found: Audit, now: bool) -> tuple[bool, str]:
    blurred = _photos_with(found, "blur")
    light = median(photo.lightness for photo in found.readable) if found.readable else 1.0
    figures = (
        f"{blurred} of {found.photos} photos are a little blurred; the usual lightness is {light:.2f} (of 1)"
    )
    if blurred or light < DIM:
        return True, f"{figures}: visitors' photos will be blurred too."
    return now, f"{figures}."


def _glare(found: Audit, now: bool) -> tuple[bool, str]:
    mirrored = _photos_with(found, "glare")
    figures = f"Lamps are mirrored in {mirrored} of {found.photos} photos"
    if mirrored >= max(2, OFTEN * found.photos):
        return True, f"{figures}: visitors will meet such reflections anywhere on the glass."
    return now, f"{figures}."


def _photos_with(found: Audit, check: str) -> int:
    return len({remark.path for remark in found.remarks if remark.check == check})
