"""All that an evaluation leaves behind: the report, the summary and the answers are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from lens_core.audit.remarks import Audit
from lens_core.contracts import Floats
from lens_core.evaluation.asked import Names
from lens_core.evaluation.examined import Protocol, Rule


@frozen
class About:
    """What was examined, of which photos, when and by whom."""

    created: str
    """UTC, ISO 8601."""
    made_by: str
    seed: int
    photos: int
    items: int
    places: tuple[str, ...]
    strays: int
    """Photos that the model must refuse, apart from other places' items."""
    data_hash: str
    backbone: str
    """With its weights."""
    licence: str
    img_size: int
    settings: Mapping[str, Any]
    environment: Mapping[str, Any]
    model: str | None = None
    """The model's file name; None where a recipe was examined."""
    model_version: str | None = None
    embedding_id: str | None = None
    """By which a model's file tells that it is the one that was examined."""
    guarantee: Mapping[str, Any] | None = None


@frozen(eq=False)
class Photos2D:
    """Every photo's embedding, laid out on a plane: near ones are alike."""

    names: Names
    labels: Names
    """``place/item``; empty for photos of no exhibit."""
    points: Floats
    """float32[N, 2], 0 to 1."""
    method: str
    """``t-SNE`` or ``UMAP``."""


@frozen(eq=False)
class Evaluation:
    """What was found."""

    about: About
    protocols: tuple[Protocol, ...]
    """The main one first: ``folds`` or ``new_photos``."""
    rule: Rule
    """The model's own; of a recipe, the one that training on all photos would choose."""
    audit: Audit
    map: Photos2D | None
    files: Mapping[str, Path]
    """Where each photo that was asked about lies, by its name."""
    warnings: tuple[str, ...] = field(default=())

    @property
    def main(self) -> Protocol:
        return self.protocols[0]
