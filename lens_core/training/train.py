"""``ai-lens train``: from a folder of photos to a model that knows how sure it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from attrs import frozen
from filelock import FileLock, Timeout

from lens_core.artifacts import probes, provenance, versions
from lens_core.artifacts.atomic import atomic_write, check_writable, write_json, write_json_lines
from lens_core.artifacts.cache import cache_folder
from lens_core.artifacts.gallery import Gallery
from lens_core.artifacts.manifest import BackboneRecord, Manifest
from lens_core.artifacts.provenance import Origin
from lens_core.artifacts.runs import CHECKPOINT, HELD_OUT, METRICS, PACKAGES, PHOTOS, SETTINGS
from lens_core.artifacts.versions import Proposal
from lens_core.errors import BadSettingError, BusyError
from lens_core.evaluation import card
from lens_core.photos import duplicates, metadata
from lens_core.photos.layout import Dataset
from lens_core.photos.strays import StrayPhoto
from lens_core.progress import Stage, silent
from lens_core.settings import Settings, kept, recorded, to_yaml
from lens_core.training import checkpoint
from lens_core.training.finetune import finetune, keep_photos
from lens_core.training.learn import Learned, learn
from lens_core.training.lesson import duplicate_groups, gather, labels_of
from lens_core.training.network import LensNet, make_backbone
from lens_core.training.split import Split, folds

STATE = "finetune.state"
"""Where an interrupted fine-tuning goes on from; gone once the run is complete."""
FOLDS = 5


@frozen(eq=False)
class TrainedRun:
    """What a training run leaves behind."""

    checkpoint: Path
    manifest: Manifest
    metrics: dict[str, Any]
    dataset: Dataset
    version: Proposal
    warnings: tuple[str, ...] = ()


def train(
    settings: Settings,
    dataset: Dataset,
    save_dir: Path,
    *,
    strays: Sequence[StrayPhoto] = (),
    version: str | None = None,
    origin: Origin | None = None,
    stage: Stage = silent,
) -> TrainedRun:
    """Train on the photos of a data set and write ``best.ckpt`` and ``metrics.json`` to ``save_dir``.

    ``strays`` are photos that must be refused. ``version`` is that of the model; None: what follows from the
    one before (:mod:`lens_core.artifacts.versions`). ``origin`` says how the run was started. Running it
    again in the same folder reuses features and goes on with an interrupted fine-tuning. Raises DataError
    (E1xx), PluginError (E4xx), CannotWriteError (E700) or BusyError (E710).
    """
    if not (settings.pretrained or settings.weights or settings.finetune):
        raise BadSettingError(
            "pretrained: false leaves a network that has learned nothing.", "Add --finetune."
        )
    with _only_writer(save_dir):
        descriptions = metadata.read(dataset.root).descriptions()
        torch.manual_seed(settings.seed)
        net = LensNet(make_backbone(settings), settings.embedding_dim, len(dataset.items)).eval()
        splits = _finetune(net, dataset, settings, save_dir, stage) if settings.finetune else None
        lesson, features = gather(dataset, strays, net, settings, stage)
        if splits is None:
            splits = list(folds(lesson.labels, lesson.shots, FOLDS, settings.seed))
        learned = learn(lesson, splits, stage("Learning, and testing on held-out photos"))
        unseen = [features.hashes[row] for row in splits[0][1]] if settings.finetune and splits else None
        told = provenance.record(dataset, features.hashes, origin or Origin.here())
        told |= {"unseen": unseen} if unseen else {}
        labels = tuple((photo.place, photo.item) for photo in dataset.photos)
        phashes = np.stack(features.phashes)
        gallery = Gallery(learned.fitted.embeddings, labels, descriptions, phashes)
        run = _write(net, learned, dataset, gallery, strays, settings, save_dir, version, told)
        write_json(save_dir / PHOTOS, provenance.per_file(dataset, features.hashes))
        return attrs.evolve(run, warnings=lesson.warnings)


def _finetune(
    net: LensNet, dataset: Dataset, settings: Settings, save_dir: Path, stage: Stage
) -> list[Split]:
    """Fine-tune on one side of a split and return it: the other side must stay unseen until the proof."""
    labels = labels_of(dataset)
    paths = [photo.path for photo in dataset.photos]
    photos = keep_photos(paths, net.preprocess, stage("Reading the photos"))
    phashes = [duplicates.phash(photo) for photo in photos]
    split = next(folds(labels, duplicate_groups(phashes), FOLDS, settings.seed), None)
    rows = split[0] if split else np.arange(len(labels))
    shown = [photos[row] for row in rows]
    finetune(net, shown, labels[rows], settings, save_dir / STATE, stage("Fine-tuning"))
    return [split] if split else []


def _write(
    net: LensNet,
    learned: Learned,
    dataset: Dataset,
    gallery: Gallery,
    strays: Sequence[StrayPhoto],
    settings: Settings,
    save_dir: Path,
    version: str | None,
    told: dict[str, Any],
) -> TrainedRun:
    net.take(learned.fitted.heads)
    weights = checkpoint.weights_of(net)
    manifest = Manifest(
        model_version=version or versions.FIRST,
        made_by=provenance.made_by(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        backbone=BackboneRecord(settings.backbone, net.full_name, net.licence),
        preprocess=net.preprocess,
        embedding_dim=settings.embedding_dim,
        classes=dataset.items,
        embedding_id=checkpoint.embedding_id(weights),
        calibration=learned.calibration,
        thresholds=learned.thresholds,
        operating_point=learned.operating_point,
        settings=recorded(settings),
        provenance=told,
    )
    if version:
        proposed = Proposal(version, "as you asked")
    else:
        proposed = versions.propose(manifest, gallery, versions.previous(save_dir, manifest.places))
    manifest = attrs.evolve(manifest, model_version=proposed.version)
    asked_everywhere = [stray.path for stray in strays if not stray.home]
    checkpoint.save(save_dir / CHECKPOINT, weights, manifest, gallery, probes.take(dataset, asked_everywhere))
    lines = list(learned.answers.lines()) if learned.answers else []
    point = learned.operating_point and attrs.asdict(learned.operating_point)
    figures = {"seed": settings.seed, **learned.figures, "operating_point": point}
    atomic_write(save_dir / SETTINGS, to_yaml(kept(settings)))
    atomic_write(save_dir / PACKAGES, provenance.packages())
    write_json(save_dir / METRICS, figures)
    card.write(save_dir, manifest, figures)
    write_json_lines(save_dir / HELD_OUT, lines)
    (save_dir / STATE).unlink(missing_ok=True)
    return TrainedRun(save_dir / CHECKPOINT, manifest, figures, dataset, proposed)


@contextmanager
def _only_writer(save_dir: Path) -> Iterator[None]:
    """One training run at a time in a folder; who comes second is told."""
    name = hashlib.sha256(str(save_dir.resolve()).encode()).hexdigest()[:24]
    lock = cache_folder() / "locks" / name
    check_writable(lock)
    try:
        with FileLock(lock, timeout=0):
            yield
    except Timeout as error:
        raise BusyError(f"Another ai-lens process is writing to {save_dir}.") from error
