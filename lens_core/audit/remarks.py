"""What an audit has to say."""

from __future__ import annotations

from typing import Any, Literal

import attrs
from attrs import NOTHING, frozen

from lens_core.contracts import Finding
from lens_core.errors import DataError

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")


@frozen
class Remark:
    """One thing found."""

    level: Level
    """``error``: training refuses; ``warning``: somebody should look at it; ``note``: good to know."""
    check: str
    """One word a program can switch on: ``E120``, ``blur``, ``twins`` ..."""
    text: str
    path: str
    """Inside the data folder: ``A``, ``A/ㄱ`` or ``A/ㄱ/img_001.jpg``; empty for all of it."""
    other: str = ""
    """The second photo or item, where the remark is about two."""
    finding: Finding | None = None
    """What a quality checker said, where the remark comes from one: how severe, and hints by language."""
    misfiled: str = ""
    """Of a contradiction: the photo that is in the wrong folder, where that can be told."""

    @property
    def severity(self) -> float:
        """0 hardly noticeable .. 1 as bad as it gets; 0 where nothing was measured."""
        return self.finding.severity if self.finding else 0.0


@frozen
class PhotoPair:
    """Two photos that show the same, by their paths inside the data folder."""

    first: str
    second: str
    kind: str
    """``exact``: the same file; ``copy``: the same shot; ``near``: nearly the same view."""
    mirrored: bool = False
    """One is the mirror image of the other."""


@frozen
class PhotoReport:
    """One photo that can be read."""

    path: str
    """Inside the data folder."""
    width: int
    height: int
    """Of the upright original, in pixels."""
    lightness: float
    """Mean, 0 (black) to 1 (white)."""


@frozen
class ItemReport:
    """One item as the audit sees it."""

    place: str
    item: str
    photos: int
    shots: int
    """Photos that can be read, copies of one shot counted once."""
    readiness: int | None
    """0 to 100: about the share of visitors' photos that will be recognised; None when nobody can say."""

    @property
    def path(self) -> str:
        return f"{self.place}/{self.item}"


@frozen
class Audit:
    """What was found in a data folder."""

    items: tuple[ItemReport, ...]
    remarks: tuple[Remark, ...]
    """Errors first, then warnings, then notes."""
    pairs: tuple[PhotoPair, ...]
    unreadable: tuple[DataError, ...]
    """Why photos cannot be used, one error each."""
    readable: tuple[PhotoReport, ...] = ()

    @property
    def photos(self) -> int:
        return sum(item.photos for item in self.items)

    def of_level(self, level: Level) -> tuple[Remark, ...]:
        return tuple(remark for remark in self.remarks if remark.level == level)

    def to_dict(self) -> dict[str, Any]:
        """For ``validate-data --json``."""
        return {
            "photos": self.photos,
            "items": [attrs.asdict(item) for item in self.items],
            "errors": len(self.of_level("error")),
            "warnings": len(self.of_level("warning")),
            "notes": len(self.of_level("note")),
            "remarks": [
                attrs.asdict(remark, filter=lambda field, value: field.default is NOTHING or bool(value))
                for remark in self.remarks
            ],
            "pairs": [attrs.asdict(pair) for pair in self.pairs],
        }
