"""``ai-lens evaluate`` on the photos a model learns from: models are made without each part in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from attrs import field, frozen

from lens_core.artifacts import manifest
from lens_core.contracts import Floats
from lens_core.errors import BadSettingError, LayoutError, ModelLoadError, NotEnoughPhotosError
from lens_core.evaluation.asked import Asked, Names
from lens_core.evaluation.assemble import Measured, of_model
from lens_core.evaluation.calibrating import can_calibrate
from lens_core.evaluation.examined import Protocol, Rule, cross_fitted, protocol
from lens_core.photos.layout import Dataset, nfc
from lens_core.photos.strays import StrayPhoto
from lens_core.progress import Progress, Stage
from lens_core.settings import Settings, from_dict, recorded
from lens_core.training import checkpoint, proof
from lens_core.training.cost import in_words, plan
from lens_core.training.lesson import Lesson, gather
from lens_core.training.network import LensNet, make_backbone
from lens_core.training.proof import Step
from lens_core.training.recipes import FitByFinetuning, Fitted, Recipe, fit_on_features
from lens_core.training.split import FOLDS, Labels, Split, folds

FINETUNED = (
    "The network has learned from every item: those treated as unknown are easier for it than exhibits it "
    "has never met. Ask it about such with --untrained DIR."
)
UNWATCHED = "These networks learn without mining_from and patience, which need photos held out of each."
TOO_FEW = "Too few photos to tune T, M and D on others than those asked: answers look better than they are."


@frozen(eq=False)
class Subject:
    """What is examined: a recipe, or a model with its own network and rule."""

    settings: Settings
    net: LensNet
    rule: Rule | None = None
    """None: it is tuned on other photos than those it answers."""
    trained: bool = False
    unseen: frozenset[str] = frozenset()
    """SHA-256 of the photos that a fine-tuned network has not learned from."""
    about: Mapping[str, Any] = field(factory=dict)
    """Who it is, for the report."""

    @classmethod
    def of_settings(cls, settings: Settings) -> Subject:
        net = LensNet(make_backbone(settings), settings.embedding_dim, 1).eval()
        about = {
            "backbone": net.full_name,
            "licence": net.licence,
            "img_size": net.preprocess.size,
            "settings": recorded(settings),
        }
        return cls(settings, net, about=about)

    @classmethod
    def of_checkpoint(cls, path: Path) -> Subject:
        """Raises ArtifactError (E2xx), BadSettingError (E600) for an export."""
        if path.suffix != ".ckpt":
            raise BadSettingError(
                f"{path} is an export: no models can be made from it without the photos asked about.",
                "Evaluate the checkpoint (.ckpt) it was made from, or other photos.",
            )
        net, documents = checkpoint.load(path)
        about = manifest.from_documents(documents, path)
        told: Mapping[str, Any] = about.provenance
        if name := told.get("measured_on"):
            net, told = _measured(path.with_name(name), path, told.get("measured_id"))
            net.preprocess = about.preprocess
        rule = Rule(about.calibration, about.thresholds) if about.thresholds else None
        unseen = frozenset(told.get("unseen", ()))
        described = of_model(about, path.name)
        return cls(from_dict(about.settings), net, rule, trained=True, unseen=unseen, about=described)

    @property
    def finetuned(self) -> bool:
        """Whether the network has learned from the photos: then only those it has not seen can be asked."""
        return self.trained and self.settings.finetune in ("last", "all")

    def seen(self, hashes: Sequence[str]) -> Labels | None:
        """Rows of the photos that its network has learned from; None where it has learned from none."""
        return np.flatnonzero([one not in self.unseen for one in hashes]) if self.finetuned else None

    def splits(self, lesson: Lesson, seen: Labels | None, fold_count: int) -> list[Split]:
        if seen is None:
            return list(folds(lesson.labels, lesson.shots, fold_count, lesson.settings.seed))
        everything = np.arange(len(lesson.labels))
        known = np.isin(lesson.labels, lesson.labels[seen])
        asked = np.setdiff1d(everything[known], seen)
        return [(np.setdiff1d(everything, asked), asked)] if len(asked) and len(seen) else []


def _measured(path: Path, of: Path, embedding_id: str | None) -> tuple[LensNet, Mapping[str, Any]]:
    """The network that a model's figures come from, and what it tells. Raises ModelLoadError (E200)."""
    if not path.exists():
        raise ModelLoadError(
            f"{of} has learned from all photos; {path.name}, which it was measured on, is not beside it.",
            "Put it back, or evaluate photos that are new to the model.",
        )
    net, documents = checkpoint.load(path)
    about = manifest.from_documents(documents, path)
    if about.embedding_id != embedding_id:
        raise ModelLoadError(
            f"{path} is of another training than {of}, which was measured on one of that name.",
            "Put back the one of its own training, or evaluate photos that are new to the model.",
        )
    return net, about.provenance


@frozen(eq=False)
class Asking:
    """A lesson, the models made of parts of it, and the raw evidence that they gave."""

    lesson: Lesson
    hashes: tuple[str, ...]
    fitted: Fitted
    """Of all photos."""
    folded: tuple[Asked, ...]
    """Every photo, asked of models that did not learn from it."""
    visits: Mapping[str, Sequence[Asked]]
    """By place: its photos, asked of models that never saw it."""

    def all_photos(self) -> tuple[Names, Floats]:
        """(names, embeddings float32[N, D]) of every photo that was asked about."""
        strays = self.lesson.strays
        if not strays:
            return self.lesson.photos, self.fitted.embeddings
        names = np.concatenate([self.lesson.photos, strays.photos])
        return names, np.concatenate([self.fitted.embeddings, self.fitted.strays])


def ask(
    subject: Subject,
    dataset: Dataset,
    strays: Sequence[StrayPhoto],
    *,
    fold_count: int = FOLDS,
    held_out: Sequence[str] = (),
    stage: Stage,
) -> Asking:
    """Raises NotEnoughPhotosError (E160), and the errors of photos (E12x, E150)."""
    if len(dataset.items) == 1 and not strays:
        raise NotEnoughPhotosError(
            f"{dataset.root} has one item only, and no photo that shows anything else.",
            "Add items, or photos that show no exhibit (--ood DIR).",
        )
    planned = None if subject.trained else plan(subject.net, subject.settings, len(dataset.photos))
    settings = planned.settings if planned else subject.settings
    lesson, features = gather(dataset, strays, subject.net, settings, stage)
    hashes = features.hashes
    seen = subject.seen(hashes)
    if seen is not None and set(lesson.labels[seen]) == set(lesson.labels):
        lesson = attrs.evolve(lesson, warnings=(*lesson.warnings, FINETUNED))
    splits = subject.splits(lesson, seen, fold_count)
    fits = proof.fit_count(lesson, splits, seen) + len(held_out)
    title = "Asking models that did not learn from the photo asked about"
    recipe: Recipe = fit_on_features
    if planned and planned.finetunes:
        recipe = FitByFinetuning(dataset, strays, settings, stage)
        title += f" ({fits} networks, {in_words(fits * planned.seconds)})"
        if settings.mining_from or settings.patience:
            lesson = attrs.evolve(lesson, warnings=(*lesson.warnings, UNWATCHED))
    step = _counted(stage(title), fits)
    fitted, asked = proof.ask_all(lesson, splits, recipe, step, seen)
    if not splits or not can_calibrate(asked):
        raise NotEnoughPhotosError(_why(lesson))
    visits = {
        place: list(proof.held_out_place(lesson, place, fold_count, recipe, step)) for place in held_out
    }
    return Asking(lesson, hashes, fitted, tuple(asked), visits)


@frozen(eq=False)
class Experiment:
    """What was asked and measured."""

    subject: Subject
    asking: Asking
    protocols: tuple[Protocol, ...]
    rule: Rule
    """The subject's own; of a recipe, the one that training on all photos would choose."""
    warnings: tuple[str, ...]

    def measured(self) -> Measured:
        """For the report."""
        subject, asking = self.subject, self.asking
        return Measured(
            self.protocols,
            self.rule,
            *asking.all_photos(),
            asking.hashes,
            subject.about,
            subject.settings.seed,
            self.warnings,
        )


def examine(
    subject: Subject,
    dataset: Dataset,
    strays: Sequence[StrayPhoto],
    *,
    fold_count: int = FOLDS,
    places: Sequence[str] | None = None,
    stage: Stage,
) -> Experiment:
    """Ask every photo of models that did not learn from it, and every place of models that never saw it.

    ``places`` are held out in turn; by default each, where there are two or more. Raises LayoutError (E100)
    for a place that is not there, and what :func:`ask` raises.
    """
    held_out = _held_out_places(subject, dataset, places)
    asking = ask(subject, dataset, strays, fold_count=fold_count, held_out=held_out, stage=stage)
    asked, seed, reject = asking.folded, subject.settings.seed, subject.settings.reject
    rule = subject.rule or Rule.tuned_on(asked, reject)
    answers = None if subject.rule else cross_fitted(asked, reject, seed)
    warnings = asking.lesson.warnings if subject.rule or answers else (*asking.lesson.warnings, TOO_FEW)
    answers = answers or rule.answer(asked)
    measuring = _counted(stage("Measuring"), 1 + len(held_out))
    protocols = [protocol("folds", "", answers, seed)]
    measuring()
    for place, questions in asking.visits.items():
        elsewhere = [part for part in asked if part.place != place]
        tuned = Rule.tuned_on(elsewhere, reject) if can_calibrate(elsewhere) else rule
        protocols.append(protocol("holdout", place, (subject.rule or tuned).answer(questions), seed))
        measuring()
    return Experiment(subject, asking, tuple(protocols), rule, warnings)


def _held_out_places(subject: Subject, dataset: Dataset, wanted: Sequence[str] | None) -> list[str]:
    if wanted is None:
        return list(dataset.places) if len(dataset.places) > 1 and not subject.finetuned else []
    for place in wanted:
        if nfc(place) not in dataset.places:
            there = ", ".join(dataset.places)
            raise LayoutError(f"{dataset.root} has no place '{place}' to hold out.", f"It has {there}.")
    if len(dataset.places) == 1:
        raise NotEnoughPhotosError(
            f"{dataset.root} has one place only: without it there is nothing to learn from.",
            "Leave out --holdout-place, or add a place.",
        )
    if subject.finetuned:
        raise NotEnoughPhotosError(
            "This model's network has learned from every place.",
            "Evaluate without --model, with --finetune: networks are then trained without the place.",
        )
    return list(dict.fromkeys(map(nfc, wanted)))


def _why(lesson: Lesson) -> str:
    shots = min(len(np.unique(lesson.shots[lesson.labels == number])) for number in np.unique(lesson.labels))
    if shots == 1:
        return "No photo can be held out: the items have one shot each, or copies of one."
    return "There is nothing to tell exhibits from: no second item, and no photo that shows no exhibit."


def _counted(progress: Progress, total: int) -> Step:
    """A step that counts itself."""
    finished = count(1)
    return lambda: progress(next(finished), total)
