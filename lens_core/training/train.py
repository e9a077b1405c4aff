"""``ai-lens train``: from a folder of photos to a model that knows how sure it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, cast

import attrs
import numpy as np
import torch
from attrs import frozen
from filelock import FileLock, Timeout

from lens_core.artifacts.atomic import atomic_write, check_writable
from lens_core.artifacts.gallery import Gallery
from lens_core.artifacts.manifest import (
    BackboneRecord,
    Calibration,
    Manifest,
    OperatingPoint,
    Thresholds,
)
from lens_core.contracts import Backbone, Floats, Pixels
from lens_core.errors import BadSettingError, BusyError, LayoutError
from lens_core.evaluation import metrics, tuning
from lens_core.evaluation.held_out import UNKNOWN, HeldOut, judge
from lens_core.photos import duplicates
from lens_core.photos.audit import check_counts, ood_photos
from lens_core.photos.decode import decode
from lens_core.photos.layout import OOD_FOLDER, Dataset, scan
from lens_core.progress import Stage, silent
from lens_core.settings import Settings, to_dict
from lens_core.training import checkpoint, proof, provenance
from lens_core.training.features import Features, compute
from lens_core.training.finetune import finetune
from lens_core.training.heads import Heads, Labels, fit_heads
from lens_core.training.network import LensNet, make_backbone
from lens_core.training.split import Split, folds

CHECKPOINT = "best.ckpt"
MODEL_VERSION = "1.0.0"
FOLDS = 5
UNTUNED = Calibration(scale=2.5)


@frozen(eq=False)
class TrainedRun:
    """What a training run leaves behind."""

    checkpoint: Path
    manifest: Manifest
    metrics: dict[str, Any]
    dataset: Dataset


def train(
    settings: Settings,
    data_root: Path,
    save_dir: Path,
    *,
    places: Sequence[str] = (),
    ood: Path | None = None,
    stage: Stage = silent,
) -> TrainedRun:
    """Train on the photos under ``data_root`` and write ``best.ckpt`` and ``metrics.json`` to ``save_dir``.

    Running it again in the same folder reuses features and goes on with an interrupted fine-tuning.
    Raises DataError (E1xx), PluginError (E4xx), CannotWriteError (E700) or BusyError (E710).
    """
    if not (settings.pretrained or settings.weights or settings.finetune):
        raise BadSettingError(
            "pretrained: false leaves a network that has learned nothing.", "Add --finetune."
        )
    dataset = scan(data_root, places)
    check_counts(dataset, settings.min_images)
    check_writable(save_dir / CHECKPOINT)
    with _only_writer(save_dir):
        torch.manual_seed(settings.seed)
        net = LensNet(make_backbone(settings), settings.embedding_dim, len(dataset.items)).eval()
        splits = _finetune(net, dataset, settings, save_dir, stage) if settings.finetune else None
        paths = [photo.path for photo in dataset.photos]
        features = compute(paths, net, augment=settings.augment, progress=stage("Looking at the photos"))
        labels = labels_of(dataset)
        splits = splits or list(folds(labels, duplicate_groups(features.phashes), FOLDS, settings.seed))
        heads = fit_heads(features.values, labels, settings, settings.seed)
        gallery = heads.embed(features.values[:, 0])
        held_out = _prove(dataset, features, labels, splits, settings, stage)
        held_out += _ask_ood(
            _ood_files(data_root, ood), net, heads, gallery, labels, dataset, settings, stage
        )
        proven = _judge(held_out, settings)
        return _write(net, heads, gallery, features, dataset, settings, proven, save_dir)


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
    with ThreadPoolExecutor() as pool:
        phashes = list(pool.map(lambda photo: duplicates.phash(decode(photo.path)), dataset.photos))
    split = next(folds(labels, duplicate_groups(phashes), FOLDS, settings.seed), None)
    rows = split[0] if split else np.arange(len(labels))
    paths = [dataset.photos[row].path for row in rows]
    finetune(net, paths, labels[rows], settings, save_dir / "finetune.state", stage("Fine-tuning"))
    return [split] if split else []


def _prove(
    dataset: Dataset,
    features: Features,
    labels: Labels,
    splits: Sequence[Split],
    settings: Settings,
    stage: Stage,
) -> list[HeldOut]:
    bench = proof.Bench(features.values, labels, _place_of(dataset), settings)
    progress = stage("Testing on held-out photos")
    total = len(splits) + len(proof.look_alike_groups(bench))
    finished = count(1)

    def step() -> None:
        progress(next(finished), total)

    return [*proof.held_out_photos(bench, splits, step), *proof.look_alikes(bench, step)]


def _place_of(dataset: Dataset) -> Labels:
    places = list(dataset.places)
    return np.array([places.index(place) for place, _ in dataset.items], np.int64)


def _ood_files(data_root: Path, ood: Path | None) -> list[Path]:
    folder = ood or data_root / OOD_FOLDER
    if ood and not ood.is_dir():
        raise LayoutError(f"There is no folder {ood}.", "Pass --ood a folder of photos that show no exhibit.")
    return ood_photos(folder) if folder.is_dir() else []


def _ask_ood(
    files: Sequence[Path],
    net: LensNet,
    heads: Heads,
    gallery: Floats,
    labels: Labels,
    dataset: Dataset,
    settings: Settings,
    stage: Stage,
) -> list[HeldOut]:
    """Photos that show no exhibit, asked in every place."""
    if not files:
        return []
    progress = stage("Looking at photos that show no exhibit")
    queries = compute(files, net, augment=settings.augment, views=0, progress=progress).values[:, 0]
    place_of = _place_of(dataset)
    reference = proof.Reference(heads, gallery, labels, {label: label for label in range(len(place_of))})
    truth = np.full(len(files), UNKNOWN, np.int64)
    rows = np.arange(len(files))
    return [
        proof.ask(reference, np.flatnonzero(place_of == place), queries, truth, rows, "ood")
        for place in np.unique(place_of)
    ]


@frozen(eq=False)
class _Proven:
    calibration: Calibration
    thresholds: Thresholds | None
    operating_point: OperatingPoint | None
    figures: dict[str, Any]


def _judge(held_out: Sequence[HeldOut], settings: Settings) -> _Proven:
    """Calibrate and tune where there is something to tune on; otherwise keep what the user set."""
    by_hand = Thresholds(
        settings.reject.threshold, settings.reject.min_top1_margin, settings.reject.max_distance
    )
    exhibits = [part for part in held_out if part.kind == "exhibit"]
    unknown = [part for part in held_out if part.kind != "exhibit"]
    if not exhibits or not unknown:
        return _Proven(UNTUNED, None if settings.reject.tune else by_hand, None, {})
    calibration = tuning.fit_calibration(held_out)
    judged = judge(held_out, calibration)
    figures = metrics.figures(judged, settings.seed)
    if settings.reject.tune:
        thresholds, point = tuning.tune_thresholds(judged, settings.reject.max_false_accept)
    else:
        thresholds, point = by_hand, tuning.operating_point(judged, by_hand)
    return _Proven(calibration, thresholds, point, figures | {"operating_point": attrs.asdict(point)})


def _write(
    net: LensNet,
    heads: Heads,
    gallery: Floats,
    features: Features,
    dataset: Dataset,
    settings: Settings,
    proven: _Proven,
    save_dir: Path,
) -> TrainedRun:
    with torch.no_grad():
        net.embed.weight.copy_(torch.from_numpy(heads.weight))
        net.embed.bias.copy_(torch.from_numpy(heads.bias))
        net.directions.copy_(torch.from_numpy(heads.directions))
    weights = checkpoint.weights_of(net)
    backbone: Backbone = cast("Backbone", net.backbone)
    manifest = Manifest(
        model_version=MODEL_VERSION,
        made_by=provenance.made_by(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        backbone=BackboneRecord(settings.backbone, backbone.full_name, backbone.licence),
        preprocess=net.preprocess,
        embedding_dim=settings.embedding_dim,
        classes=dataset.items,
        embedding_id=checkpoint.embedding_id(weights),
        calibration=proven.calibration,
        thresholds=proven.thresholds,
        operating_point=proven.operating_point,
        settings=to_dict(settings),
        provenance={
            "data_hash": provenance.data_hash(dataset.photos, features.hashes),
            "photos": len(dataset.photos),
            "environment": provenance.environment(),
        },
    )
    labels = tuple((photo.place, photo.item) for photo in dataset.photos)
    checkpoint.save(save_dir / CHECKPOINT, weights, manifest, Gallery(gallery, labels))
    report = {"items": len(dataset.items), "places": list(dataset.places), **proven.figures}
    atomic_write(save_dir / "metrics.json", json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    files = {
        str(photo.path.relative_to(dataset.root)): photo_hash
        for photo, photo_hash in zip(dataset.photos, features.hashes, strict=True)
    }
    atomic_write(save_dir / "photos.sha256.json", json.dumps(files, ensure_ascii=False, indent=1) + "\n")
    return TrainedRun(save_dir / CHECKPOINT, manifest, report, dataset)


@contextmanager
def _only_writer(save_dir: Path) -> Iterator[None]:
    """One training run at a time in a folder; the other says who was first."""
    try:
        with FileLock(save_dir / ".lock", timeout=0):
            yield
    except Timeout as error:
        raise BusyError(f"Another ai-lens process is writing to {save_dir}.") from error
