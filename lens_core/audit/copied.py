"""Copies: harmless within an item, a contradiction across two."""

from __future__ import annotations

from collections.abc import Iterator

from lens_core.audit.remarks import Remark
from lens_core.audit.seen import Seen
from lens_core.photos.layout import Dataset

_SAYS = {
    "exact": "the same file as {other}",
    "copy": "the same shot as {other}, recompressed, resized, cropped or turned",
    "near": "nearly the same photo as {other}",
}


def copied(seen: Seen, dataset: Dataset) -> Iterator[Remark]:
    """A remark on every pair; of merely near photos only where they are filed under two items."""
    for pair in seen.pairs:
        path, other = (dataset.inside(seen.photos[row]) for row in (pair.first, pair.second))
        text = _SAYS[pair.kind].format(other=other)
        if seen.items[pair.first] != seen.items[pair.second]:
            yield Remark(
                "warning", "contradiction", f"{text}, which is filed under another item", path, other
            )
        elif pair.kind != "near":
            yield Remark("note", "copy", f"{text}; it teaches nothing new", path, other)
