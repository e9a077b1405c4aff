"""Which photos to leave out: those that cannot be used, show something else, teach nothing, or mislead."""

from __future__ import annotations

from collections.abc import Iterator

from lens_core.audit.remarks import Audit, Remark
from lens_core.photos import duplicates
from lens_core.photos.layout import Dataset
from lens_core.settings import Removal

SPOILED = ("blur", "dark", "bright")
HOPELESS = 0.75
"""Severity from which a photo teaches what no visitor's photo will show."""

Proposal = tuple[str, str]
"""A photo's path and why it should go."""


def removals(found: Audit, dataset: Dataset, min_images: int) -> list[Removal]:
    """What to leave out, never all photos of an item.

    A photo whose place in the folder is not sure to be wrong, or that is merely redundant or bad, stays where
    fewer than ``min_images`` would be left of its item: training would refuse the rest.
    """
    left = {"/".join(label): count for label, count in dataset.counts().items()}
    most_of_it = {item: -(-count // 2) for item, count in left.items()}
    enough = {item: max(min_images, least) for item, least in most_of_it.items()}
    chosen: dict[str, Removal] = {}

    def take(proposals: Iterator[Proposal], least: dict[str, int]) -> None:
        for photo, reason in proposals:
            item = item_of(photo)
            if photo not in chosen and left[item] > least[item]:
                chosen[photo] = Removal(photo, reason)
                left[item] -= 1

    take(_unreadable(found), dict.fromkeys(left, 1))
    take(_misfiled(found), most_of_it)
    take(_strays(found), enough)
    take(_spare_copies(found, dataset, set(chosen)), dict.fromkeys(left, min_images))
    take(_hopeless(found), dict.fromkeys(left, min_images))
    return sorted(chosen.values(), key=lambda removal: removal.photo)


def item_of(photo: str) -> str:
    """``A/ㄱ`` of ``A/ㄱ/img_001.jpg``."""
    return photo.rpartition("/")[0]


def copies_in_items(found: Audit, without: set[str]) -> list[list[str]]:
    """The photos of each shot of which an item has several."""
    paths = [photo.path for photo in found.readable if photo.path not in without]
    row_of = {path: row for row, path in enumerate(paths)}
    same = [
        (row_of[pair.first], row_of[pair.second])
        for pair in found.pairs
        if pair.kind != "near"
        and item_of(pair.first) == item_of(pair.second)
        and {pair.first, pair.second} <= row_of.keys()
    ]
    shots: dict[int, list[str]] = {}
    for path, shot in zip(paths, duplicates.groups(len(paths), same).tolist(), strict=True):
        shots.setdefault(shot, []).append(path)
    return [shot for shot in shots.values() if len(shot) > 1]


def strays(found: Audit) -> Iterator[Remark]:
    """Photos that look like another item. Twins always do; that says nothing about their folders."""
    twins = {frozenset((remark.path, remark.other)) for remark in found.remarks if remark.check == "twins"}
    for remark in found.remarks:
        known = frozenset((item_of(remark.path), remark.other)) in twins
        if remark.check == "looks_like_another" and not known:
            yield remark


def _unreadable(found: Audit) -> Iterator[Proposal]:
    """The codes of unreadable photos are those of the errors that they raise."""
    codes = {error.code for error in found.unreadable}
    return ((remark.path, remark.text) for remark in found.remarks if remark.check in codes)


def _misfiled(found: Audit) -> Iterator[Proposal]:
    for remark in found.remarks:
        if remark.misfiled:
            other = remark.other if remark.misfiled == remark.path else remark.path
            yield remark.misfiled, f"the same shot as {other}, and it looks more like that item"


def _strays(found: Audit) -> Iterator[Proposal]:
    for remark in strays(found):
        yield remark.path, f"{remark.text}; move it there if that is what it shows"


def _spare_copies(found: Audit, dataset: Dataset, without: set[str]) -> Iterator[Proposal]:
    """All but the best of each shot: the largest, and of several the least compressed.

    A file with less detail is smaller; measured sharpness would prefer the shrunk copy of a soft photo.
    """
    pixels = {photo.path: photo.width * photo.height for photo in found.readable}
    files = {dataset.inside(photo): photo.path for photo in dataset.photos}

    def from_best(path: str) -> tuple[int, int, str]:
        return -pixels[path], -files[path].stat().st_size, path

    for shot in copies_in_items(found, without):
        best, *spare = sorted(shot, key=from_best)
        for path in reversed(spare):
            yield path, f"the same shot as {best}, which is no smaller"


def _hopeless(found: Audit) -> Iterator[Proposal]:
    spoiled = [remark for remark in found.remarks if remark.check in SPOILED and remark.severity >= HOPELESS]
    for remark in sorted(spoiled, key=lambda remark: remark.severity, reverse=True):
        yield remark.path, f"{remark.check}: {remark.text}"
