"""From what was measured to what is reported, and the files in which it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from attrs import frozen

from lens_core.artifacts import provenance
from lens_core.artifacts.atomic import write_json, write_json_lines
from lens_core.artifacts.cache import file_hash
from lens_core.artifacts.manifest import Manifest
from lens_core.audit.remarks import Audit
from lens_core.contracts import Floats
from lens_core.evaluation import summary
from lens_core.evaluation.asked import Names
from lens_core.evaluation.embedding_map import NAMES, Method, on_a_plane
from lens_core.evaluation.evaluation import About, Evaluation, Photos2D
from lens_core.evaluation.examined import Protocol, Rule
from lens_core.evaluation.report.page import write_report
from lens_core.photos.layout import Dataset
from lens_core.photos.strays import StrayPhoto
from lens_core.settings import Lang

ANSWERS = "answers.jsonl"
REPORT = "report.html"


@frozen(eq=False)
class Measured:
    """What was asked and measured, in whichever way."""

    protocols: tuple[Protocol, ...]
    rule: Rule
    names: Names
    """str[N]: of every photo that was asked about."""
    embeddings: Floats
    """float32[N, D]."""
    hashes: Sequence[str]
    """SHA-256 of each photo of the data set."""
    examined: Mapping[str, Any]
    """The fields of :class:`About` that tell of the model."""
    seed: int
    warnings: tuple[str, ...]


def evaluation(
    dataset: Dataset, strays: Sequence[StrayPhoto], measured: Measured, audit: Audit, method: Method
) -> Evaluation:
    """All that is reported; ``method`` lays out the map of photos."""
    about = About(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        made_by=provenance.made_by(),
        seed=measured.seed,
        photos=len(dataset.photos),
        items=len(dataset.items),
        places=dataset.places,
        strays=len(strays),
        data_hash=provenance.data_hash(dataset, measured.hashes),
        environment=provenance.environment(),
        **measured.examined,
    )
    own = {dataset.inside(photo): photo for photo in dataset.photos}
    points = on_a_plane(measured.embeddings, method, measured.seed)
    labels = [
        f"{own[name].place}/{own[name].item}" if name in own else "" for name in measured.names.tolist()
    ]
    drawn = None if points is None else Photos2D(measured.names, np.array(labels), points, NAMES[method])
    files = {name: photo.path for name, photo in own.items()} | {one.name: one.path for one in strays}
    return Evaluation(about, measured.protocols, measured.rule, audit, drawn, files, measured.warnings)


def of_model(manifest: Manifest, name: str) -> dict[str, Any]:
    """The fields of :class:`About` that tell of a finished model."""
    return {
        "backbone": manifest.backbone.full_name,
        "licence": manifest.backbone.licence,
        "img_size": manifest.preprocess.size,
        "settings": manifest.settings,
        "model": name,
        "model_version": manifest.model_version,
        "embedding_id": manifest.embedding_id,
        "guarantee": manifest.guarantee and attrs.asdict(manifest.guarantee),
    }


def write(found: Evaluation, folder: Path, lang: Lang) -> dict[str, Any]:
    """Write ``answers.jsonl``, ``report.html`` and ``summary.json``, and return the summary.

    Raises CannotWriteError (E700).
    """
    lines = (
        {"protocol": one.name, "held_out": one.place or None, **line}
        for one in found.protocols
        for line in one.answers.lines()
    )
    write_json_lines(folder / ANSWERS, lines)
    write_report(found, folder / REPORT, lang)
    files = {name: file_hash(folder / name) for name in (ANSWERS, REPORT)}
    written = summary.to_dict(found) | {"files": files}
    write_json(folder / summary.NAME, written)
    return written
