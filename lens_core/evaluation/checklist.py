"""Is this run ready for opening day? What a museum signs off, each point with its evidence."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from lens_core.artifacts import container, manifest
from lens_core.artifacts.manifest import Manifest
from lens_core.artifacts.runs import CHECKPOINT, PHOTOS
from lens_core.errors import NoRunError, NotEvaluatedError
from lens_core.evaluation import past
from lens_core.evaluation.assemble import REPORT
from lens_core.evaluation.past import Past
from lens_core.evaluation.requirements import Requirement, figures_of, unmet
from lens_core.evaluation.ticks import Tick, answers, matches_guide

ENOUGH = 10
"""Photos of an item."""
GOOD_ENOUGH = ("top1>=0.8", "answered_wrong<=0.05")
GOOD_ENOUGH_ELSEWHERE = ("holdout.top1>=0.6",)
"""A place that was never trained is harder; visitors of the trained places are not met with that."""
REFUSES = ("other_place.accepted<=0.05", "ood.accepted<=0.05", "untrained.accepted<=0.2")
"""Asked of the kinds that were measured."""


@frozen(eq=False)
class Run:
    """A run's folder and what is in it."""

    folder: Path
    manifest: Manifest
    evaluation: Past | None
    """Of this very model."""
    unevaluated: str
    """Why there is none."""
    required: tuple[Requirement, ...]


def check(folder: Path, required: Sequence[Requirement] = ()) -> list[Tick]:
    """Every point, in the order in which they are worked through.

    ``required`` replaces the figures that are usually good enough. Raises NoRunError (E250) when the folder
    holds no checkpoint, ModelLoadError (E200) or DamagedArtifactError (E210) when that cannot be read.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        raise NoRunError(f"{folder} holds no {CHECKPOINT}.")
    about = manifest.from_documents(container.read(path), path)
    evaluation, why_not = _evaluation(folder, about)
    run = Run(folder, about, evaluation, why_not, tuple(required))
    return [
        _photos(run),
        _data(run),
        _folds(run),
        _holdout(run),
        _thresholds(run),
        _report(run),
        answers(run.folder, run.manifest),
        matches_guide(run.folder),
    ]


def _evaluation(folder: Path, about: Manifest) -> tuple[Past | None, str]:
    """(the evaluation of this very model, why there is none)."""
    try:
        found = past.read(folder)
    except NotEvaluatedError as error:
        return None, error.what
    told = found.summary["about"]
    if (told["embedding_id"], told["model_version"]) == (about.embedding_id, about.model_version):
        return found, ""
    examined = told["model_version"] and f"model version {told['model_version']}"
    return None, f"what was evaluated there is {examined or 'no finished model'}, not {about.model_version}"


def _photos(run: Run) -> Tick:
    point, title = "photos", f"Photos follow the layout, {ENOUGH} or more of each item"
    try:
        named = json.loads((run.folder / PHOTOS).read_text(encoding="utf-8"))
        counts = Counter(tuple(name.split("/")[:2]) for name in dict(named))
        if not counts:
            raise ValueError("it names none")
    except (OSError, ValueError, TypeError) as error:
        return Tick(point, title, False, f"{PHOTOS} cannot be read: {error}", "Train again.")
    few = {item: count for item, count in counts.items() if count < ENOUGH}
    least = min(counts, key=lambda item: counts[item])
    evidence = (
        f"{len(named)} photos of {len(counts)} items; fewest: {'/'.join(least)} with {counts[least]}"
        + (f"; {len(few)} items have fewer than {ENOUGH}" if few else "")
    )
    return Tick(point, title, not few, evidence, "Photograph these items again, and train again.")


def _data(run: Run) -> Tick:
    point, title = "validate-data", "validate-data passes"
    if not run.evaluation:
        return _not_evaluated(run, point, title)
    data = run.evaluation.summary["data"]
    evidence = f"{data['errors']} errors, {data['warnings']} warnings, {data['notes']} notes"
    return Tick(point, title, data["errors"] == 0, evidence, "See: ai-lens validate-data --html photos.html")


def _folds(run: Run) -> Tick:
    point, title = "folds", "Measured on photos it did not learn from, and good enough"
    names = ("folds", "new_photos")
    return _measured(run, point, title, lambda one: one["name"] in names, GOOD_ENOUGH + REFUSES)


def _holdout(run: Run) -> Tick:
    point, title = "holdout", "Measured on places it never saw, and good enough"
    if len(run.manifest.places) == 1:
        return Tick(point, title, True, "one place only: there is none to hold out")
    return _measured(run, point, title, lambda one: one["name"] == "holdout", GOOD_ENOUGH_ELSEWHERE)


def _measured(run: Run, point: str, title: str, wanted: Callable[[Any], bool], usual: Sequence[str]) -> Tick:
    if not run.evaluation or not any(map(wanted, run.evaluation.summary["protocols"])):
        return _not_evaluated(run, point, title)
    values = figures_of(run.evaluation.summary)
    bars = [Requirement.read(text) for text in usual]
    if run.required:
        bars = [one for one in run.required if one.figure.startswith("holdout.") == (point == "holdout")]
    bars = [one for one in bars if one.figure in values or run.required]
    short = unmet(bars, run.evaluation.summary)
    evidence = ", ".join(f"{one.figure} {values[one.figure]:.3f}" for one in bars) or "nothing is required"
    advice = f"{'; '.join(short)}. Look at {REPORT}, or set other bars with --require."
    return Tick(point, title, not short, evidence, advice if short else "")


def _thresholds(run: Run) -> Tick:
    point, title = "thresholds", "Thresholds were tuned on photos of these exhibits"
    about = run.manifest
    chosen, promise = about.thresholds, about.guarantee
    if not chosen or not about.operating_point:
        return Tick(point, title, False, "the model stores none", "Run: ai-lens tune --model ...")
    evidence = f"T {chosen.threshold:g}, M {chosen.min_top1_margin:g}, D {chosen.max_distance:g}"
    data = about.provenance.get("data_hash")
    if promise:
        evidence += f"; at most {promise.max_false_accept:.1%} at {promise.confidence:.0%} confidence"
        if promise.data_hash != data:
            evidence += "; tuned on a new visit's photos of them"
    return Tick(point, title, True, evidence)


def _report(run: Run) -> Tick:
    point, title = "report", "The report of this very model is archived"
    if not run.evaluation:
        return _not_evaluated(run, point, title)
    digest = run.evaluation.summary["files"][REPORT]
    evidence = f"{REPORT}, sha256 {digest[:12]}..., of model version {run.manifest.model_version}"
    return Tick(point, title, True, evidence)


def _not_evaluated(run: Run, point: str, title: str) -> Tick:
    evidence = run.unevaluated or "not measured"
    return Tick(point, title, False, evidence, "Run: ai-lens evaluate --model RUN/best.ckpt ...")
