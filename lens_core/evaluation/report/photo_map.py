"""The map of all photos: where each dot lies, how it looks, and the small picture behind it."""

from __future__ import annotations

import numpy as np
from attrs import frozen

from lens_core.evaluation.evaluation import Evaluation
from lens_core.pages.page import Picture, pictures

MOST = 1500
"""Dots that are drawn; of more photos an even selection."""
_LONG_SIDE = 96
"""Pixels of the picture behind a dot."""


@frozen
class Dot:
    """One photo."""

    x: float
    y: float
    """0 to 1, upwards."""
    group: int
    """Which of the map's groups it is of."""
    label: str
    """``place/item``, or the photo's name."""
    picture: str
    """Key of its picture."""


@frozen
class PhotoMap:
    """Groups are places, in their order; the last one, if any, are photos of no exhibit."""

    method: str
    groups: tuple[str, ...]
    dots: tuple[Dot, ...]
    pictures: dict[str, Picture]
    photos: int
    """Of which the dots are a selection."""


def photo_map(found: Evaluation) -> PhotoMap | None:
    """None where there were too few photos to lay out."""
    drawn = found.map
    if drawn is None:
        return None
    rows = np.unique(np.linspace(0, len(drawn.names) - 1, min(len(drawn.names), MOST)).round().astype(int))
    places = [label.partition("/")[0] for label in drawn.labels.tolist()]
    groups = [*sorted({place for place in places if place}), *([""] if "" in places else [])]
    names = [str(drawn.names[row]) for row in rows]
    small = pictures({name: found.files[name] for name in names}, _LONG_SIDE, prefix="m")
    dots = [
        Dot(
            round(float(drawn.points[row, 0]), 4),
            round(float(drawn.points[row, 1]), 4),
            groups.index(places[row]),
            str(drawn.labels[row]) or name,
            f"map:{name}",
        )
        for row, name in zip(rows, names, strict=True)
    ]
    behind = {f"map:{name}": picture for name, picture in small.items()}
    return PhotoMap(drawn.method, tuple(groups), tuple(dots), behind, len(drawn.names))
