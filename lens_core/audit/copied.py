"""Copies: harmless within an item, a contradiction across two."""

from __future__ import annotations

from collections.abc import Iterator

from lens_core.audit.copies import Pair
from lens_core.audit.remarks import Remark
from lens_core.audit.seen import Seen
from lens_core.photos.layout import Dataset

_SAYS = {
    "exact": "the same file as {other}",
    "copy": "the same shot as {other}, recompressed, resized, cropped or turned",
    "near": "nearly the same photo as {other}",
}

AT_HOME = 0.1
"""How much more (in cosine) one shot filed under two items must be like one of them to belong there."""


def copied(seen: Seen, dataset: Dataset) -> Iterator[Remark]:
    """A remark on every pair; of merely near photos only where they are filed under two items."""
    for pair in seen.pairs:
        path, other = (dataset.inside(seen.photos[row]) for row in (pair.first, pair.second))
        text = _SAYS[pair.kind].format(other=other)
        if seen.items[pair.first] != seen.items[pair.second]:
            row = misfiled(seen, pair)
            wrong = "" if row is None else dataset.inside(seen.photos[row])
            text = f"{text}, which is filed under another item"
            yield Remark("warning", "contradiction", text, path, other, misfiled=wrong)
        elif pair.kind != "near":
            yield Remark("note", "copy", f"{text}; it teaches nothing new", path, other)


def misfiled(seen: Seen, pair: Pair) -> int | None:
    """The row of a pair filed under two items that lies in the wrong one; None when nobody can say.

    The shot is compared with the other shots of both items. Mirror images may be photos of two items that
    face each other.
    """
    first, found = pair.first, seen.likeness
    if pair.kind == "near" or pair.mirrored:
        return None
    lead = float(found.own[first] - found.stray[first])
    if lead > AT_HOME:
        return pair.second
    if -lead > AT_HOME and found.stray_item[first] == seen.items[pair.second]:
        return first
    return None
