"""What an evaluation found: for each way of asking, the answers and the figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from attrs import frozen
from scipy.stats import binomtest

from lens_core.artifacts.manifest import Calibration, Thresholds
from lens_core.evaluation import metrics
from lens_core.evaluation.answers import Answers, all_of
from lens_core.evaluation.asked import Asked
from lens_core.evaluation.bootstrap import CONFIDENCE
from lens_core.evaluation.calibrating import can_calibrate, fit_calibration
from lens_core.evaluation.judged import judge
from lens_core.evaluation.tuning import tune_thresholds
from lens_core.settings import Reject

PARTS = 5


@frozen(eq=False)
class Rule:
    """The numbers that turn evidence into an answer."""

    calibration: Calibration
    thresholds: Thresholds

    def answer(self, asked: Sequence[Asked]) -> Answers:
        return Answers.of(judge(asked, self.calibration, self.thresholds.score), self.thresholds)

    @classmethod
    def tuned_on(cls, asked: Sequence[Asked], reject: Reject) -> Rule:
        """As training does; needs exhibits and photos to be refused (:func:`can_calibrate`)."""
        calibration = fit_calibration(asked)
        if not reject.tune:
            by_hand = Thresholds(reject.threshold, reject.min_top1_margin, reject.max_distance)
            return cls(calibration, by_hand)
        return cls(calibration, tune_thresholds(judge(asked, calibration), reject.false_accept_cost))


@frozen
class ItemFigures:
    """How one item fared."""

    place: str
    item: str
    photos: int
    recall: float
    """Share of its photos of which it is the best item."""
    recall_low: float
    recall_high: float
    """The exact 95 % interval."""
    answered_right: float
    answered_wrong: float
    taken_for: str | None
    """The item that its photos are taken for most often, if any."""


@frozen(eq=False)
class Protocol:
    """One way of asking, and what came back."""

    name: Literal["folds", "new_photos", "holdout"]
    """``folds``: each photo asked of models that did not learn from it. ``new_photos``: photos that the model
    has never seen. ``holdout``: a place that the model has never seen, answered from its gallery."""
    place: str
    """The place that was held out; empty for the others."""
    answers: Answers
    figures: dict[str, Any]
    """See :func:`lens_core.evaluation.metrics.figures`."""
    places: dict[str, dict[str, Any]]
    """The same for each place's questions."""
    items: tuple[ItemFigures, ...]


def protocol(
    name: Literal["folds", "new_photos", "holdout"], place: str, answers: Answers, seed: int
) -> Protocol:
    """Measure a set of answers as a whole, by place and by item."""
    table = answers.judged
    asked_in = np.unique(table.place[table.exhibits])
    places = {str(where): metrics.figures(answers.only(table.place == where), seed) for where in asked_in}
    figures = metrics.figures(answers, seed) if len(places) > 1 else next(iter(places.values()))
    return Protocol(name, place, answers, figures, places, tuple(_items(answers)))


def _items(answers: Answers) -> list[ItemFigures]:
    table = answers.judged
    exhibits = answers.only(table.exhibits)
    pairs = sorted(set(zip(exhibits.judged.place.tolist(), exhibits.judged.item.tolist(), strict=True)))
    return [
        _item(exhibits.only((exhibits.judged.place == place) & (exhibits.judged.item == item)))
        for place, item in pairs
    ]


def _item(answers: Answers) -> ItemFigures:
    table = answers.judged
    right, photos = int(table.best_right.sum()), len(table.item)
    interval = binomtest(right, photos).proportion_ci(CONFIDENCE, method="exact")
    wrong = Counter(table.best_item[~table.best_right].tolist())
    return ItemFigures(
        place=str(table.place[0]),
        item=str(table.item[0]),
        photos=photos,
        recall=round(right / photos, 4),
        recall_low=round(float(interval.low), 4),
        recall_high=round(float(interval.high), 4),
        answered_right=round(float(answers.right.mean()), 4),
        answered_wrong=round(float((answers.accepted & ~answers.right).mean()), 4),
        taken_for=wrong.most_common(1)[0][0] if wrong else None,
    )


def cross_fitted(asked: Sequence[Asked], reject: Reject, seed: int) -> Answers | None:
    """Answers by rules that were tuned on other shots than the one asked about.

    Tuning and measuring on the same photos would look better than it is. None where there are too few.
    """
    shots = np.unique(np.concatenate([part.questions.shots for part in asked]))
    part_of = dict(
        zip(
            shots.tolist(),
            (np.random.default_rng(seed).permutation(len(shots)) % PARTS).tolist(),
            strict=True,
        )
    )
    parts = [np.array([part_of[shot] for shot in one.questions.shots.tolist()]) for one in asked]
    answers = []
    for number in range(PARTS):
        own = [one.only(part == number) for one, part in zip(asked, parts, strict=True)]
        others = [one.only(part != number) for one, part in zip(asked, parts, strict=True)]
        if not can_calibrate(others):
            return None
        if any(len(one.questions.photos) for one in own):
            answers.append(Rule.tuned_on(others, reject).answer(own))
    return all_of(answers)
