"""From what was measured to what is reported, and the files in which it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from lens_core.artifacts import provenance
from lens_core.artifacts.atomic import write_json, write_json_lines
from lens_core.artifacts.manifest import Manifest
from lens_core.contracts import Floats
from lens_core.evaluation import summary
from lens_core.evaluation.asked import Names
from lens_core.evaluation.embedding_map import NAMES, Method, on_a_plane
from lens_core.evaluation.evaluation import About, Evaluation, Photos2D
from lens_core.evaluation.report.page import write_report
from lens_core.photos.layout import Dataset
from lens_core.photos.strays import StrayPhoto
from lens_core.settings import Lang

ANSWERS = "answers.jsonl"
REPORT = "report.html"


def about(
    dataset: Dataset, strays: Sequence[StrayPhoto], hashes: Sequence[str], seed: int, **examined: Any
) -> About:
    """What was examined; ``examined`` are the fields that tell of the model."""
    return About(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        made_by=provenance.made_by(),
        seed=seed,
        photos=len(dataset.photos),
        items=len(dataset.items),
        places=dataset.places,
        strays=len(strays),
        data_hash=provenance.data_hash(dataset, hashes),
        environment=provenance.environment(),
        **examined,
    )


def of_model(manifest: Manifest, name: str) -> dict[str, Any]:
    """The fields of :class:`About` that tell of a finished model."""
    return {
        "backbone": manifest.backbone.full_name,
        "licence": manifest.backbone.licence,
        "img_size": manifest.preprocess.size,
        "settings": manifest.settings,
        "model": name,
        "model_version": manifest.model_version,
        "guarantee": manifest.guarantee and attrs.asdict(manifest.guarantee),
    }


def lay_out(dataset: Dataset, names: Names, embeddings: Floats, method: Method, seed: int) -> Photos2D | None:
    """The map of all photos, float32[N, D] of them."""
    points = on_a_plane(embeddings, method, seed)
    if points is None:
        return None
    label_of = {dataset.inside(photo): f"{photo.place}/{photo.item}" for photo in dataset.photos}
    labels = np.array([label_of.get(name, "") for name in names.tolist()])
    return Photos2D(names, labels, points, NAMES[method])


def files_of(dataset: Dataset, strays: Sequence[StrayPhoto]) -> dict[str, Path]:
    """Where each photo lies, by the name it goes by."""
    own = {dataset.inside(photo): photo.path for photo in dataset.photos}
    return own | {stray.name: stray.path for stray in strays}


def write(found: Evaluation, folder: Path, lang: Lang) -> None:
    """Write ``answers.jsonl``, ``summary.json`` and ``report.html``. Raises CannotWriteError (E700)."""
    lines = (
        {"protocol": one.name, "held_out": one.place or None, **line}
        for one in found.protocols
        for line in one.answers.lines()
    )
    write_json_lines(folder / ANSWERS, lines)
    write_report(found, folder / REPORT, lang)
    write_json(folder / summary.NAME, summary.to_dict(found))
