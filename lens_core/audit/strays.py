"""Photos that look like another item than the one they are filed under."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lens_core.audit.remarks import Remark
from lens_core.audit.seen import Seen
from lens_core.photos.layout import Dataset

LEAST_LEAD = 0.28
"""How much more (in cosine) it must be like the other item: three of four such photos are misfiled where one
photo in twenty is, and three of four misfiled photos are found (benchmarks/audit)."""


def strays(seen: Seen, dataset: Dataset) -> Iterator[Remark]:
    """A remark on every photo that is much more like another item, of any place, than like its own.

    A copy of a photo of the other item is no news: that pair is a contradiction already.
    """
    found = seen.likeness
    known = {
        row for pair in seen.pairs if seen.items[pair.first] != seen.items[pair.second]
        for row in (pair.first, pair.second)
    }  # fmt: skip
    for row in np.flatnonzero(found.stray - np.maximum(found.own, 0) > LEAST_LEAD):
        if int(row) not in known:
            other = seen.name(int(found.stray_item[row]))
            yield Remark(
                "warning",
                "looks_like_another",
                f"looks more like {other} than like the other photos of its own item",
                dataset.inside(seen.photos[row]),
                other,
            )
