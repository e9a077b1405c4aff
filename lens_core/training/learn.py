"""From features to everything an answer needs: heads, gallery, calibration and thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

import attrs
import numpy as np
from attrs import frozen

from lens_core.artifacts.manifest import Calibration, OperatingPoint, Thresholds
from lens_core.contracts import Floats
from lens_core.evaluation import metrics, tuning
from lens_core.evaluation.held_out import judge
from lens_core.progress import Progress, no_progress
from lens_core.settings import Reject
from lens_core.training import proof
from lens_core.training.proof import Asked, Lesson, Reference
from lens_core.training.split import Split


@frozen(eq=False)
class Learned:
    """What was learned from a lesson, and how well it did on photos held out of it."""

    reference: Reference
    calibration: Calibration
    thresholds: Thresholds | None
    """None where too few photos were there to tune on."""
    operating_point: OperatingPoint | None
    figures: dict[str, Any]
    """Top-1, top-3 and AUROCs with intervals; empty where nothing could be held out."""
    asked: tuple[Asked, ...]
    """Every question the figures come from."""


def learn(
    lesson: Lesson, splits: Sequence[Split], *, ood: Floats | None = None, progress: Progress = no_progress
) -> Learned:
    """Fit the heads on all photos; calibrate and tune them on photos held out in the splits.

    ``ood`` holds features float32[Q, F] of photos that show no exhibit; they are asked in every place.
    """
    finished = count(1)
    fits = 1 + len(splits) + len(proof.look_alike_groups(lesson))

    def step() -> None:
        progress(next(finished), fits)

    reference = proof.refer(lesson, np.arange(len(lesson.labels)), lesson.settings.seed)
    step()
    asked = [*proof.held_out_photos(lesson, splits, step), *proof.look_alikes(lesson, step)]
    if ood is not None:
        asked += proof.ask_everywhere(lesson, reference, ood)
    return _conclude(reference, asked, lesson.settings.reject, lesson.settings.seed)


def _conclude(reference: Reference, asked: Sequence[Asked], reject: Reject, seed: int) -> Learned:
    held_out = [part.answers for part in asked]
    by_hand = Thresholds(reject.threshold, reject.min_top1_margin, reject.max_distance)
    kinds = {part.kind for part in held_out}
    if "exhibit" not in kinds or len(kinds) < 2:
        return Learned(reference, tuning.USUAL, None if reject.tune else by_hand, None, {}, ())
    calibration = tuning.fit_calibration(held_out)
    judged = judge(held_out, calibration)
    thresholds = tuning.tune_thresholds(judged, reject.false_accept_cost) if reject.tune else by_hand
    point = tuning.operating_point(judged, thresholds)
    figures = metrics.figures(judged, thresholds, seed) | {"operating_point": attrs.asdict(point)}
    return Learned(reference, calibration, thresholds, point, figures, tuple(asked))
