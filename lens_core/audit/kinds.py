"""What was found, kind by kind, as the page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, groupby

from attrs import frozen

from lens_core.audit.exhibit import Exhibit, Illustrator
from lens_core.audit.page_words import KINDS, kind
from lens_core.audit.remarks import LEVELS, Audit, Level, Remark
from lens_core.photos.layout import Dataset

MOST_PHOTOS = 60
"""Of one kind; what comes after them is listed by name."""
_ORDER = [*KINDS]


@frozen
class Kind:
    """All that one check found on one level."""

    level: Level
    check: str
    title: str
    advice: str
    shown: tuple[Exhibit, ...]
    more: tuple[Exhibit, ...]
    """Those whose photos have no room."""

    @property
    def count(self) -> int:
        return len(self.shown) + len(self.more)


def kinds(found: Audit, dataset: Dataset, lang: str) -> list[Kind]:
    """Errors first; the worst photo of a kind first."""
    illustrator = Illustrator.of(found, dataset, lang)
    remarks = sorted(found.remarks, key=_place)
    return [
        _kind([*same], illustrator)
        for _, same in groupby(remarks, lambda remark: (remark.level, remark.check))
    ]


def _place(remark: Remark) -> tuple[int, int, str, float]:
    known = _ORDER.index(remark.check) if remark.check in KINDS else len(_ORDER)
    return LEVELS.index(remark.level), known, remark.check, -remark.severity


def _kind(remarks: Sequence[Remark], illustrator: Illustrator) -> Kind:
    exhibits = tuple(illustrator.exhibit(remark) for remark in remarks)
    photos_so_far = accumulate(exhibit.photos for exhibit in exhibits)
    room = sum(photos <= MOST_PHOTOS for photos in photos_so_far)
    level, check = remarks[0].level, remarks[0].check
    return Kind(level, check, *kind(check, illustrator.lang), exhibits[:room], exhibits[room:])
