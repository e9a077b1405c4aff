"""What was measured of one file of a model, and how it compares with the others."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from attrs import field, frozen

from lens_core.errors import LensError


@frozen
class Failure:
    """Why there is nothing to measure."""

    code: str
    """``E470``; empty where a process ended without a word."""
    message: str

    @classmethod
    def of(cls, error: LensError, folder: Path) -> Failure:
        """Without the names of the folders above the files: what is written may be passed on."""
        return cls(error.code, error.message.replace(f"{folder}{os.sep}", ""))


@frozen
class Candidate:
    """A file to be measured, or why there is none."""

    name: str
    path: Path | None
    format: str
    precision: str = ""
    """Where it is not known before the file is opened: empty."""
    size: int | None = None
    """Side of the input, in pixels."""
    resized: bool = False
    """Whether it takes photos at another size than the model was trained for."""
    made_by: str = ""
    """The command that makes it; empty where it is there."""
    failure: Failure | None = None


@frozen
class Latency:
    """Of one photo, in milliseconds."""

    p50: float
    p95: float


@frozen
class Measured:
    """What a process of its own has found of a file."""

    precision: str
    """``fp32``, ``fp16`` or ``int8``; empty for an export without a certificate."""
    size: int
    megabytes: float
    load_ms: float
    """From opening the file to being ready to answer, its library's start included."""
    network: Latency
    """The network alone, one prepared photo."""
    answer: Latency
    """A photo's file to the answer."""
    photos_per_second: float
    """A folder of photos, all cores."""
    peak_megabytes: float | None
    """The most memory the process had, answering photos one by one; None where the system does not tell."""
    top1: float | None = None
    aurocs: Mapping[str, float] = field(factory=dict)
    """By kind of photo to be refused."""
    points_lost: Mapping[str, float] = field(factory=dict)
    """What the certificate of an int8 file says."""

    @property
    def auroc(self) -> float | None:
        """The mean over the kinds."""
        return float(np.mean(list(self.aurocs.values()))) if self.aurocs else None


@frozen
class Row:
    """One line of the table."""

    candidate: Candidate
    measured: Measured | None = None
    failure: Failure | None = None
    top1_change: float | None = None
    """Percentage points; None where no photos were asked about."""
    auroc_change: float | None = None

    @property
    def lost(self) -> float | None:
        """The most points by which any figure known of it is worse; None where none is known."""
        if self.measured is None:
            return None
        known = [change for change in (self.top1_change, self.auroc_change) if change is not None]
        points = [*self.measured.points_lost.values(), *(-change for change in known)]
        if not points and self.measured.precision in ("fp32", "fp16"):
            return 0.0  # its gate has shown that it decides the same
        return max(0.0, *points) if points else None

    def to_dict(self) -> dict[str, Any]:
        """As ``bench.json`` holds it."""
        one, found = self.candidate, self.measured
        return {
            "file": one.name,
            "format": one.format,
            "precision": (found.precision if found else one.precision) or None,
            "img_size": found.size if found else one.size,
            "resized": one.resized,
            "made_by": one.made_by or None,
            "megabytes": found and found.megabytes,
            "load_ms": found and found.load_ms,
            "network_ms": found and attrs.asdict(found.network),
            "answer_ms": found and attrs.asdict(found.answer),
            "photos_per_second": found and found.photos_per_second,
            "peak_megabytes": found and found.peak_megabytes,
            "top1": found and found.top1,
            "auroc": found and found.auroc,
            "aurocs": dict(found.aurocs) if found else {},
            "top1_change": self.top1_change,
            "auroc_change": self.auroc_change,
            "points_lost": dict(found.points_lost) if found else {},
            "error": attrs.asdict(self.failure) if self.failure else None,
        }


def compared(found: Sequence[tuple[Candidate, Measured | Failure]], checkpoint: str) -> list[Row]:
    """The rows, and what each figure has changed against ``checkpoint``, or the first fp32 file there is."""
    plain = [
        (candidate.name, one)
        for candidate, one in found
        if isinstance(one, Measured) and one.precision == "fp32" and not candidate.resized
    ]
    base = dict(plain).get(checkpoint) or next((one for _, one in plain), None)
    return [_row(candidate, one, base) for candidate, one in found]


def _row(candidate: Candidate, found: Measured | Failure, base: Measured | None) -> Row:
    if isinstance(found, Failure):
        return Row(candidate, failure=found)
    if base is None:
        return Row(candidate, found)
    return Row(
        candidate,
        found,
        top1_change=_points(found.top1, base.top1),
        auroc_change=_points(found.auroc, base.auroc),
    )


def _points(value: float | None, base: float | None) -> float | None:
    return None if value is None or base is None else round(100 * (value - base), 2)
