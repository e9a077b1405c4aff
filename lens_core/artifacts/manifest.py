"""What a model says of itself: everything needed to answer, and where it came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import attrs
from attrs import field, frozen
from attrs.validators import deep_mapping, ge, in_, instance_of, le, matches_re

from lens_core.artifacts import container, formats
from lens_core.contracts import Preprocess
from lens_core.errors import ModelLoadError

NAME = "manifest.json"
FORMAT = 1
_AGAIN = "Train the model again, or export it again from its checkpoint."


@frozen
class BackboneRecord:
    """The exact network a model was built on."""

    name: str
    """As the user chose it: ``mobilenetv2``."""
    full_name: str
    licence: str


@frozen
class Calibration:
    """How cosines become probabilities: a softmax over the place's items and one constant "none of these".

    ``p_i = exp(scale * cos_i) / (exp(scale * none) + sum_j exp(scale * cos_j))``. Fitted on photos the model
    was not trained on. Without the constant the probabilities of any photo, a wall's too, would add up to 1.
    """

    scale: float
    none: float
    """The cosine at which an item is as likely as none of them."""


SIGNALS = ("softmax", "margin", "distance", "energy", "knn", "mahalanobis")
"""What rejection can go by (:mod:`lens_core.decision.scores`)."""


@frozen
class RejectionScore:
    """What T is compared with instead of ``p_top1``: the logistic function of a weighted sum of signals."""

    name: str
    """``energy``, ``knn`` ... or ``combination``."""
    weights: dict[str, float] = field(validator=deep_mapping(in_(SIGNALS), instance_of(float)))
    """By signal."""
    bias: float


@frozen
class Thresholds:
    """T, M and D of the decision rule."""

    threshold: float
    min_top1_margin: float
    max_distance: float
    score: RejectionScore | None = None
    """None: T is compared with ``p_top1``."""


@frozen
class Bound:
    """One kind of unknown photo, as far as it can be promised to be refused."""

    shots: int
    """Photos tested; near-duplicates count once."""
    accepted: int
    """How many of them were accepted."""
    at_most: float
    """The share of such photos that will be accepted is at most this, with the stated confidence."""


@frozen
class Guarantee:
    """What ``ai-lens tune`` promises of T, M and D: exact bounds, on photos that had no say in them."""

    max_false_accept: float
    confidence: float
    bounds: dict[str, Bound]
    """By kind of unknown photo."""
    data_hash: str = ""
    """Of the exhibits' photos that were asked about."""


@frozen
class OperatingPoint:
    """What the thresholds were tuned for, on photos held out of training."""

    accepted_right: float
    """Share of exhibits' photos answered rightly."""
    accepted_wrong: float
    """Share of exhibits' photos answered with the wrong item."""
    false_accepts: dict[str, float]
    """Share accepted of each kind of unknown photo: ``look_alike`` (each item in turn treated as unknown),
    ``other_place`` (other places' items), ``ood`` (photos given as showing no exhibit)."""
    photos: dict[str, int]
    """How many photos each share was measured on; ``exhibit`` are the exhibits' own."""


@frozen
class Certificate:
    """How an export was compared with its checkpoint before it was put in place."""

    precision: Literal["fp32", "fp16", "int8"]
    checked: Literal["photos", "spec"]
    """``photos``: both answered the same real photos. ``spec``: the format cannot run where it was made; the
    written network was compared with the checkpoint without running it."""
    exporter: str = ""
    """With its distribution and version."""
    photos: int = 0
    """Pictures both were asked about."""
    largest_score_difference: float | None = None
    """Of any item's score on any photo (fp32 and fp16, where every decision was the same)."""
    largest_distance_difference: float | None = None
    points_lost: dict[str, float] = field(factory=dict)
    """Percentage points by which int8 is worse, of ``top1``, ``answered_rightly`` and each kind of false
    accepts."""
    points_allowed: float | None = None


def _each_once(_: object, __: object, classes: tuple[tuple[str, str], ...]) -> None:
    if len(set(classes)) != len(classes):
        raise ValueError("a class is named twice")


@frozen
class Manifest:
    """The ``manifest.json`` inside every artifact."""

    model_version: str = field(validator=matches_re(r"\d+\.\d+\.\d+"))
    """Semantic version of the model; see :mod:`lens_core.artifacts.versions`."""
    made_by: str
    created: str
    """UTC, ISO 8601."""
    backbone: BackboneRecord
    preprocess: Preprocess
    embedding_dim: int = field(validator=[ge(1), le(65536)])
    classes: tuple[tuple[str, str], ...] = field(validator=_each_once)
    """(place, item) of each logit, in order."""
    embedding_id: str
    """Hash of the network's weights: galleries of the same id can be searched by this model."""
    calibration: Calibration
    thresholds: Thresholds | None
    operating_point: OperatingPoint | None
    settings: dict[str, Any]
    provenance: dict[str, Any] = field(factory=dict)
    """Data hash, environment, and how the run was started."""
    guarantee: Guarantee | None = None
    """Only where ``ai-lens tune`` chose the thresholds."""
    certificate: Certificate | None = None
    """Exports carry one; a checkpoint needs none."""
    format: int = FORMAT

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(sorted({place for place, _ in self.classes}))

    @property
    def finetuned(self) -> bool:
        """Whether the backbone has learned from the photos, or a part of it."""
        return self.settings.get("finetune") in ("last", "all")


def replace(path: Path, manifest: Manifest) -> None:
    """Let a checkpoint say something else of itself, whole or not at all."""
    container.write(path, {**container.read(path), NAME: to_bytes(manifest)})


def to_bytes(manifest: Manifest) -> bytes:
    return json.dumps(attrs.asdict(manifest), ensure_ascii=False, indent=1).encode()


def peek(path: Path) -> Manifest:
    """A checkpoint's manifest alone, without its seal: see :func:`lens_core.artifacts.container.peek`.

    Raises ModelLoadError (E200).
    """
    return from_documents({NAME: container.peek(path, NAME)}, path)


def from_documents(documents: Mapping[str, bytes], path: object) -> Manifest:
    """The manifest among an artifact's documents. Raises ModelLoadError (E200)."""
    if NAME not in documents:
        raise ModelLoadError(f"{path} carries no ai-lens manifest.")
    return formats.structured(documents[NAME], Manifest, FORMAT, name=NAME, path=path, again=_AGAIN)
