"""From features to everything an answer needs: heads, gallery, calibration and thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from attrs import frozen

from lens_core.artifacts.manifest import Calibration, OperatingPoint, Thresholds
from lens_core.evaluation import metrics, tuning
from lens_core.evaluation.answers import Answers
from lens_core.evaluation.asked import Asked
from lens_core.evaluation.calibrating import USUAL, can_calibrate, fit_calibration
from lens_core.evaluation.judged import judge
from lens_core.progress import Progress, no_progress
from lens_core.settings import Reject
from lens_core.training import proof
from lens_core.training.lesson import Lesson
from lens_core.training.recipes import Fitted, Recipe, fit_on_features
from lens_core.training.split import Labels, Split


@frozen(eq=False)
class Learned:
    """What was learned from a lesson, and how well it did on photos held out of it."""

    fitted: Fitted
    calibration: Calibration
    thresholds: Thresholds | None
    """None where too few photos were there to tune on."""
    operating_point: OperatingPoint | None
    figures: dict[str, Any]
    """See :func:`lens_core.evaluation.metrics.figures`; empty where nothing could be held out."""
    answers: Answers | None
    """To every question that the figures come from."""


def learn(
    lesson: Lesson,
    splits: Sequence[Split],
    progress: Progress = no_progress,
    recipe: Recipe = fit_on_features,
    seen: Labels | None = None,
) -> Learned:
    """Fit the heads on all photos; calibrate and tune them on photos held out in the splits.

    ``seen``: rows of photos that a fine-tuned network has learned from.
    """
    finished, fits = count(1), proof.fit_count(lesson, splits, seen)
    step = lambda: progress(next(finished), fits)  # noqa: E731
    fitted, asked = proof.ask_all(lesson, splits, recipe, step, seen)
    return _conclude(fitted, asked, lesson.settings.reject, lesson.settings.seed)


def _conclude(fitted: Fitted, asked: Sequence[Asked], reject: Reject, seed: int) -> Learned:
    by_hand = Thresholds(reject.threshold, reject.min_top1_margin, reject.max_distance)
    if not can_calibrate(asked):
        return Learned(fitted, USUAL, None if reject.tune else by_hand, None, {}, None)
    calibration = fit_calibration(asked)
    judged = judge(asked, calibration)
    thresholds = tuning.tune_thresholds(judged, reject.false_accept_cost) if reject.tune else by_hand
    answers = Answers.of(judged, thresholds)
    point = tuning.operating_point(judged, thresholds)
    return Learned(fitted, calibration, thresholds, point, metrics.figures(answers, seed), answers)
