"""All that a bench has found, and ``bench.json``, which holds it for programs."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import attrs
from attrs import frozen

from lens_core.artifacts import provenance
from lens_core.artifacts.manifest import Manifest
from lens_core.bench.asked import Asked
from lens_core.bench.recommend import Recommendation, recommend
from lens_core.bench.row import Row
from lens_core.parallel import cores
from lens_core.runtime.machine import busy, processor

NAME = "bench.json"
FORMAT = 1


@frozen
class Machine:
    """What it was measured on."""

    processor: str
    cores: int
    system: str
    python: str
    busy: bool
    """Whether others were computing when the measuring began."""

    @classmethod
    def here(cls) -> Machine:
        return cls(processor(), cores(), platform.platform(), platform.python_version(), busy())


@frozen
class Pictures:
    """What top-1 and AUROC were measured on."""

    exhibits: int
    strays: int
    views: bool
    """Whether each photo was also asked about as a changed view."""


@frozen
class Bench:
    """The rows, and what they are about."""

    model: Manifest
    asked: Asked
    pictures: Pictures | None
    """None where no photos were given."""
    rows: Sequence[Row]
    machine: Machine

    @property
    def recommended(self) -> Recommendation | None:
        return recommend(self.rows)

    def to_dict(self) -> dict[str, Any]:
        """What is written."""
        chosen = self.recommended
        return {
            "format": FORMAT,
            "made_by": provenance.made_by(),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": attrs.asdict(self.machine),
            "model": {
                "model_version": self.model.model_version,
                "embedding_id": self.model.embedding_id,
                "backbone": self.model.backbone.full_name,
                "img_size": self.model.preprocess.size,
            },
            "answered": {"photos": len(self.asked.photos), "source": self.asked.source},
            "pictures": self.pictures and attrs.asdict(self.pictures),
            "rows": [row.to_dict() for row in self.rows],
            "recommended": {"file": chosen.row.candidate.name, "why": chosen.why} if chosen else None,
        }
