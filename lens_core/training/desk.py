"""Where models are written: complete, sealed, and with the papers that say how they were made."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from attrs import frozen

from lens_core.artifacts import manifest, probes, provenance, runs, versions
from lens_core.artifacts.atomic import atomic_write, write_json, write_json_lines
from lens_core.artifacts.gallery import Gallery
from lens_core.artifacts.manifest import BackboneRecord, Manifest
from lens_core.artifacts.provenance import Origin
from lens_core.artifacts.versions import Proposal
from lens_core.evaluation import card
from lens_core.photos import metadata
from lens_core.photos.layout import Dataset
from lens_core.photos.strays import StrayPhoto
from lens_core.progress import Stage, silent
from lens_core.settings import Settings, kept, recorded, to_yaml
from lens_core.training import checkpoint
from lens_core.training.cost import EPOCHS, at_size
from lens_core.training.curves.page import NAME as PAGE
from lens_core.training.curves.page import Learning, write_page
from lens_core.training.devices import accelerator, is_main, process_count
from lens_core.training.features import Features
from lens_core.training.finetune import Taught, Tuned
from lens_core.training.heads import Heads, mean_directions
from lens_core.training.learn import Learned, learn
from lens_core.training.learner import Learner
from lens_core.training.lesson import Lesson, gather
from lens_core.training.network import LensNet
from lens_core.training.passes import BEST_AUROC, BEST_TOP1, Best, Pass, Watch
from lens_core.training.recipes import AsItLearned
from lens_core.training.validation import HeldOut
from lens_core.training.withheld import Withheld

LAST, MEASURED = "last", "measured"
LEARNING = "learning.json"
"""Figures after each pass of fine-tuning."""


@frozen(eq=False)
class TrainedRun:
    """What a training run leaves behind."""

    checkpoint: Path
    manifest: Manifest
    metrics: dict[str, Any]
    dataset: Dataset
    version: Proposal
    warnings: tuple[str, ...] = ()


@frozen(eq=False)
class Desk:
    """What all models of a run have in common."""

    settings: Settings
    dataset: Dataset
    strays: Sequence[StrayPhoto]
    save_dir: Path
    version: str | None
    origin: Origin
    stage: Stage

    def leave(self, net: LensNet, learned: Learned, features: Features, *, measured: bool) -> TrainedRun:
        """``best.ckpt`` and everything that is told about it.

        ``measured``: its figures come from another network, which :meth:`leave_snapshots` has written.
        """
        path = self.save_dir / runs.CHECKPOINT
        about, proposed = self._write(path, net, learned, features, self._measured_on() if measured else {})
        if measured:
            atomic_write(self.save_dir / self._waiting.name, self._waiting.read_bytes())
        point = learned.operating_point and attrs.asdict(learned.operating_point)
        figures = {"seed": self.settings.seed, **learned.figures, "operating_point": point}
        atomic_write(self.save_dir / runs.SETTINGS, to_yaml(kept(self.settings)))
        atomic_write(self.save_dir / runs.PACKAGES, provenance.packages())
        write_json(self.save_dir / runs.METRICS, figures)
        card.write(self.save_dir, about, figures)
        lines = list(learned.answers.lines()) if learned.answers else []
        write_json_lines(self.save_dir / runs.HELD_OUT, lines)
        write_json(self.save_dir / runs.PHOTOS, provenance.per_file(self.dataset, features.hashes))
        self._tell_refused()
        if not measured:
            self._remove_snapshots()
        shutil.rmtree(self.save_dir / runs.TUNING, ignore_errors=True)
        return TrainedRun(path, about, figures, self.dataset, proposed)

    @property
    def _waiting(self) -> Path:
        """``measured.ckpt``, until the model that it belongs to replaces the one that is there."""
        return self.save_dir / runs.TUNING / f"{MEASURED}.ckpt"

    def _measured_on(self) -> dict[str, str]:
        return {
            "measured_on": self._waiting.name,
            "measured_id": manifest.peek(self._waiting).embedding_id,
        }

    def _tell_refused(self) -> None:
        path = self.save_dir / runs.REFUSED
        if self.strays:
            write_json(path, self.refused)
        else:
            path.unlink(missing_ok=True)

    def _remove_snapshots(self) -> None:
        """They are of an earlier training in this folder, and of another network."""
        names = [f"{name}.ckpt" for name in (LAST, MEASURED, BEST_TOP1, BEST_AUROC)]
        for name in (*names, PAGE, LEARNING):
            (self.save_dir / name).unlink(missing_ok=True)

    @cached_property
    def refused(self) -> dict[str, str]:
        """See :func:`lens_core.artifacts.provenance.of_refused`."""
        return provenance.of_refused(self.strays)

    def watch(self, taught: Taught, held_out: HeldOut) -> Watch:
        """Keeps ``learning.html`` and ``learning.json`` up to date."""

        def look(passes: Sequence[Pass], best: Best) -> None:
            learning = Learning(
                passes,
                self.settings.epochs or EPOCHS,
                len(taught.photos),
                len(held_out.photos),
                held_out.classes,
                best,
                self.settings.mining_from,
            )
            write_page(learning, self.save_dir / PAGE, self.settings.lang)
            write_json(
                self.save_dir / LEARNING, {"passes": [attrs.asdict(one) for one in passes], "best": best}
            )

        return look

    def leave_snapshots(self, tuned: Tuned, withheld: Withheld) -> None:
        """``last.ckpt``, the best by each figure, and, once it is chosen, ``measured.ckpt``, with the size
        and the heads that they learned with."""
        if not is_main():
            return
        stopped = tuned.wish.signal is not None
        passes = {LAST: -1 if stopped else len(tuned.passes)}  # somewhere within a pass, or after it
        passes |= {name: tuned.best[name] for name in (BEST_TOP1, BEST_AUROC) if name in tuned.best}
        if not stopped:
            passes[MEASURED] = tuned.chosen_pass
        progress = self.stage("Writing the models on the way")
        written: dict[int, Path] = {}
        for done, (name, number) in enumerate(passes.items(), 1):
            path = self._waiting if name == MEASURED else self.save_dir / f"{name}.ckpt"
            if number in written:
                atomic_write(path, written[number].read_bytes())
            else:
                learner = tuned.after(name) if name in tuned.best else tuned.last
                learner = tuned.chosen if name == MEASURED else learner
                self._leave_snapshot(path, learner, withheld)
                written[number] = path
            progress(done, len(passes))

    def _leave_snapshot(self, path: Path, learner: Learner, withheld: Withheld) -> None:
        net = learner.net
        size = net.preprocess
        net.preprocess = at_size(size, self.settings.train_size)
        try:
            lesson, features = gather(
                self.dataset, self.strays, net, self.settings, silent, keep=False, views=0
            )
            heads = _heads(learner, lesson, withheld)
            learned = learn(lesson, [withheld.split], recipe=AsItLearned(heads), seen=withheld.learned)
            unseen = np.setdiff1d(np.arange(withheld.count), withheld.learned)
            self._write(path, net, learned, features, {"unseen": [features.hashes[row] for row in unseen]})
        finally:
            net.preprocess = size

    def _write(
        self,
        path: Path,
        net: LensNet,
        learned: Learned,
        features: Features,
        told: Mapping[str, Any],
    ) -> tuple[Manifest, Proposal]:
        dataset, settings = self.dataset, self.settings
        net.take(learned.fitted.heads)
        weights = checkpoint.weights_of(net)
        about = Manifest(
            model_version=self.version or versions.FIRST,
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
            provenance={**self._provenance(features), **told},
        )
        gallery = self._gallery(learned, features)
        if self.version:
            proposed = Proposal(self.version, "as you asked")
        else:
            before = versions.previous(self.save_dir, about.places)
            proposed = versions.propose(about, gallery, before)
        about = attrs.evolve(about, model_version=proposed.version)
        asked_everywhere = [stray.path for stray in self.strays if not stray.home]
        checkpoint.save(path, weights, about, gallery, probes.take(dataset, asked_everywhere))
        return about, proposed

    def _provenance(self, features: Features) -> dict[str, Any]:
        refused = list(self.refused.values())
        found = provenance.record(self.dataset, features.hashes, refused, self.origin)
        return found | {"device": accelerator().device.type, "processes": process_count()}

    def _gallery(self, learned: Learned, features: Features) -> Gallery:
        count = 1 + self.settings.gallery_views
        labels = tuple((photo.place, photo.item) for photo in self.dataset.photos)
        return Gallery.of(
            learned.fitted.gallery(np.arange(len(labels))),
            labels * count,
            metadata.read(self.dataset.root).descriptions(),
            np.tile(np.stack(features.phashes), (count, 1)),
        )


def _heads(learner: Learner, lesson: Lesson, withheld: Withheld) -> Heads:
    """Those that the network learned with; an item that it never saw is the mean of its photos."""
    embed = learner.net.embed
    known = withheld.known(lesson.labels)
    weight, bias = embed.weight.detach().numpy(), embed.bias.detach().numpy()
    embeddings = Heads(weight, bias, np.empty((0, 0), np.float32)).embed(lesson.features[:, 0])
    means = mean_directions(torch.from_numpy(embeddings), torch.from_numpy(lesson.labels)).numpy()
    if learner.objective.names_classes:
        nothing = torch.empty(0)
        means[known] = learner.objective.class_directions(nothing, nothing).numpy()
    return Heads(weight, bias, means)
