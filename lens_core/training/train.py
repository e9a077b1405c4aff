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

from lens_core.artifacts.atomic import atomic_write, check_writable, write_json, write_json_lines
from lens_core.artifacts.cache import cache_folder
from lens_core.artifacts.gallery import Gallery
from lens_core.artifacts.manifest import BackboneRecord, Manifest
from lens_core.contracts import Floats, Pixels
from lens_core.errors import BadSettingError, BusyError
from lens_core.photos import duplicates, metadata
from lens_core.photos.layout import Dataset
from lens_core.progress import Stage, silent
from lens_core.settings import Settings, to_dict, to_yaml
from lens_core.training import checkpoint, probes, provenance, record
from lens_core.training.features import compute
from lens_core.training.finetune import finetune, keep_photos
from lens_core.training.heads import Labels
from lens_core.training.learn import Learned, learn
from lens_core.training.network import LensNet, make_backbone
from lens_core.training.proof import Lesson
from lens_core.training.split import Split, folds

CHECKPOINT = "best.ckpt"
SETTINGS = "settings.yaml"
STATE = "finetune.state"
"""Where an interrupted fine-tuning goes on from; gone once the run is complete."""
MODEL_VERSION = "1.0.0"
FOLDS = 5


@frozen(eq=False)
class TrainedRun:
    """What a training run leaves behind."""

    checkpoint: Path
    manifest: Manifest
    metrics: dict[str, Any]
    dataset: Dataset


def train(
    settings: Settings,
    dataset: Dataset,
    save_dir: Path,
    *,
    ood: Sequence[Path] = (),
    stage: Stage = silent,
) -> TrainedRun:
    """Train on the photos of a data set and write ``best.ckpt`` and ``metrics.json`` to ``save_dir``.

    ``ood`` are photos that show no exhibit. Running it again in the same folder reuses features and goes on
    with an interrupted fine-tuning. Raises DataError (E12x), PluginError (E4xx), CannotWriteError (E700) or
    BusyError (E710).
    """
    if not (settings.pretrained or settings.weights or settings.finetune):
        raise BadSettingError(
            "pretrained: false leaves a network that has learned nothing.", "Add --finetune."
        )
    with _only_writer(save_dir):
        torch.manual_seed(settings.seed)
        net = LensNet(make_backbone(settings), settings.embedding_dim, len(dataset.items)).eval()
        splits = _finetune(net, dataset, settings, save_dir, stage) if settings.finetune else None
        paths = [photo.path for photo in dataset.photos]
        features = compute(paths, net, augment=settings.augment, progress=stage("Looking at the photos"))
        lesson = Lesson(features.values, labels_of(dataset), place_of(dataset), settings)
        if splits is None:
            splits = list(folds(lesson.labels, duplicate_groups(features.phashes), FOLDS, settings.seed))
        ood_features = _ood_features(ood, net, settings, stage)
        learned = learn(
            lesson, splits, ood=ood_features, progress=stage("Learning, and testing on held-out photos")
        )
        return _write(net, learned, dataset, features.hashes, ood, settings, save_dir)


def labels_of(dataset: Dataset) -> Labels:
    """int64[N]: the class of each photo, numbered in the order of ``dataset.items``."""
    numbers = {item: number for number, item in enumerate(dataset.items)}
    return np.array([numbers[photo.place, photo.item] for photo in dataset.photos], np.int64)


def duplicate_groups(phashes: Sequence[Pixels]) -> Labels:
    """int64[N]: near-duplicate photos share a number."""
    return duplicates.groups(len(phashes), duplicates.pairs(phashes))


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


def place_of(dataset: Dataset) -> Labels:
    """int64[C]: the place of each class."""
    places = list(dataset.places)
    return np.array([places.index(place) for place, _ in dataset.items], np.int64)


def _ood_features(files: Sequence[Path], net: LensNet, settings: Settings, stage: Stage) -> Floats | None:
    if not files:
        return None
    progress = stage("Looking at photos that show no exhibit")
    return compute(files, net, augment=settings.augment, views=0, progress=progress).values[:, 0]


def _write(
    net: LensNet,
    learned: Learned,
    dataset: Dataset,
    hashes: Sequence[str],
    ood: Sequence[Path],
    settings: Settings,
    save_dir: Path,
) -> TrainedRun:
    net.take(learned.reference.heads)
    weights = checkpoint.weights_of(net)
    bare_name = settings.weights and Path(settings.weights).name
    weights_named = bare_name if settings.strip_pii else settings.weights
    manifest = Manifest(
        model_version=MODEL_VERSION,
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
        settings=to_dict(settings) | {"weights": bare_name},
        provenance=provenance.record(dataset, hashes),
    )
    labels = tuple((photo.place, photo.item) for photo in dataset.photos)
    gallery = Gallery(learned.reference.embeddings, labels, metadata.read(dataset.root).descriptions())
    checkpoint.save(save_dir / CHECKPOINT, weights, manifest, gallery, probes.take(dataset, ood))
    lines = record.held_out(learned, dataset, ood)
    figures = {"seed": settings.seed, **learned.figures, "items": record.per_item(lines)}
    atomic_write(save_dir / SETTINGS, to_yaml(attrs.evolve(settings, weights=weights_named)))
    write_json(save_dir / "metrics.json", figures)
    write_json_lines(save_dir / "held_out.jsonl", lines)
    write_json(save_dir / "photos.sha256.json", provenance.per_file(dataset, hashes))
    (save_dir / STATE).unlink(missing_ok=True)
    return TrainedRun(save_dir / CHECKPOINT, manifest, figures, dataset)


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
