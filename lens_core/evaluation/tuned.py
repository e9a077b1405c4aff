"""``ai-lens tune``: T, M and D together, and what can be promised of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Literal

import attrs
import numpy as np
from attrs import frozen

from lens_core.artifacts.manifest import Bound, Calibration, OperatingPoint, RejectionScore, Thresholds
from lens_core.contracts import Rows
from lens_core.errors import CannotPromiseError, NotEnoughPhotosError
from lens_core.evaluation.answers import Answers
from lens_core.evaluation.asked import EXHIBIT, Asked
from lens_core.evaluation.calibrating import can_calibrate, fit_calibration
from lens_core.evaluation.guarantee import at_most, bounds, shots_needed, trials
from lens_core.evaluation.judged import Judged, judge
from lens_core.evaluation.metrics import auroc
from lens_core.evaluation.scoring import best_score, compare_scores, fit_score
from lens_core.evaluation.tuning import MARGINS, Shares, distances, operating_point

Objective = Literal["right", "auroc"]
STEPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""False-accept rates that the table shows beside the one asked for."""
GIVEN = ("untrained", "ood")
"""Kinds that somebody collected so that they are refused; without any, what every museum has is tested."""
LEVELS = np.linspace(0.005, 0.995, 199).round(3)
"""The T that are tried."""
_PILOT_SHARE = 1 / 3
_SCORE_WORTH = 0.005
"""Mean AUROC that another score must gain before it replaces the rule's own."""
_WORTH = 0.01
"""M and D stay out unless they gain this much: a rule with fewer numbers holds up better on new photos."""


@frozen
class Candidate:
    """One triple, what it promises and what it costs."""

    thresholds: Thresholds
    point: OperatingPoint
    bounds: dict[str, Bound]
    promise: float
    """The false-accept rate that is promised."""


@frozen(eq=False)
class Material:
    """Questions with their parts: some choose the shape of the rule, others test it."""

    judged: Judged
    pilot: Judged
    """Exhibits, and the unknown photos that choose the calibration, the score, M and D."""
    tested: dict[str, Rows]
    """Of each kind that is promised, the rows of ``judged`` that test T. They had no say in anything else."""
    calibration: Calibration
    score: RejectionScore | None
    compared: dict[str, dict[str, float]]
    """AUROC of every rejection score against each kind of the pilot."""
    cost: float


@frozen(eq=False)
class Tuned:
    """What was found."""

    material: Material
    chosen: Candidate
    candidates: tuple[Candidate, ...]
    """The one that serves visitors best, then the best for each false-accept rate that can be promised."""
    confidence: float


def prepare(asked: Sequence[Asked], score: str, cost: float, seed: int) -> Material:
    """Split the questions, calibrate and choose the score. ``score``: ``auto`` lets the data choose.

    Raises NotEnoughPhotosError (E160).
    """
    pilot_parts, tested_kinds = _split(asked, seed)
    if not can_calibrate(pilot_parts):
        raise NotEnoughPhotosError("There are not enough photos to be refused, to choose by and to test on.")
    calibration = fit_calibration(pilot_parts)
    pilot = judge(pilot_parts, calibration)
    compared = compare_scores(pilot)
    name = best_score(compared, _SCORE_WORTH) if score == "auto" else score
    chosen = fit_score(pilot, name)
    judged = judge(asked, calibration, chosen)
    seen = set(pilot.shot.tolist())
    tested = {
        kind: np.array([row for row in trials(judged, kind, seed) if judged.shot[row] not in seen], np.int64)
        for kind in tested_kinds
    }
    return Material(judged, pilot.scored_by(chosen), tested, calibration, chosen, compared, cost)


def _split(asked: Sequence[Asked], seed: int) -> tuple[list[Asked], list[str]]:
    """(what may be looked at to choose, the kinds that are tested).

    Given photos are all kept for the test, and those that every museum has choose. Where there are only
    these, a third of all shots chooses, exhibits' photos too: the same shot is a look-alike elsewhere.
    """
    kinds = {part.questions.kind for part in asked} - {EXHIBIT}
    given = [kind for kind in GIVEN if kind in kinds]
    if given and kinds - set(given):
        return [part for part in asked if part.questions.kind not in given], given
    shots = np.unique(np.concatenate([part.questions.shots for part in asked]))
    drawn = np.random.default_rng(seed).permutation(shots)[: round(len(shots) * _PILOT_SHARE)]
    return [part.only(np.isin(part.questions.shots, drawn)) for part in asked], sorted(kinds)


def tune(
    material: Material, max_false_accept: float | None, confidence: float, objective: Objective = "right"
) -> Tuned:
    """The triple that answers most visitors rightly among those that keep the promise.

    Without a promise asked for, the triple that serves visitors best (see
    :func:`lens_core.evaluation.tuning.tune_thresholds`), and what can be promised of it. Raises
    CannotPromiseError (E330) where the tested photos are too few for the promise.
    """
    if max_false_accept is not None:
        _check_possible(material, max_false_accept, confidence)
    tried = [_candidate(material, thresholds, confidence) for thresholds in path(material, objective)]
    rates = [
        rate
        for rate in sorted({*STEPS, max_false_accept or STEPS[0]})
        if _possible(material, rate, confidence)
    ]
    promising = {rate: _within(tried, rate, material.cost) for rate in rates}
    best = max(tried, key=lambda one: _gain(operating_point(material.pilot, one.thresholds), material.cost))
    chosen = best if max_false_accept is None else promising[max_false_accept]
    return Tuned(material, chosen, (best, *promising.values()), confidence)


def path(material: Material, objective: Objective) -> list[Thresholds]:
    """Triples that are worth trying, from the strictest to the loosest, found on the pilot alone.

    Of all T with all M and D these are the ones that no other beats both in what visitors gain and in what
    gets through (Pareto testing: Laufer-Goldshtein et al., "Efficiently Controlling Multiple Risks with
    Pareto Testing", 2023). Accepting by either opinion adds both opinions' mistakes, hence together.
    """
    pilot = material.pilot
    shapes = [(margin, float(distance)) for distance in distances(pilot) for margin in MARGINS]
    if objective == "auroc":
        shapes = [max(shapes, key=lambda shape: _auroc_of(pilot, *shape))]
    tried = [
        (float(accepted), float(gain), Thresholds(float(level), margin, distance, material.score))
        for margin, distance in shapes
        for shares in [Shares.by_level(pilot, Thresholds(0.0, margin, distance), LEVELS)]
        for level, accepted, gain in zip(
            LEVELS,
            np.max(list(shares.accepted.values()), axis=0),
            shares.right - shares.wrong - _WORTH * ((margin, distance) != (0, 0)),
            strict=True,
        )
    ]
    found = [Thresholds(1.0, 0.0, 0.0, material.score)]  # accepts nothing: there is always something to keep
    most = 0.0
    for _, gain, thresholds in sorted(tried, key=lambda one: (one[0], -one[1], -one[2].threshold)):
        if gain > most:
            most = gain
            found.append(thresholds)
    return found


def _within(tried: Sequence[Candidate], rate: float, cost: float) -> Candidate:
    """The best of the first candidates that keep a promise, up to the first that does not."""
    kept = list(takewhile(lambda one: max(bound.at_most for bound in one.bounds.values()) <= rate, tried))
    best = max(kept, key=lambda one: _gain(one.point, cost))
    return attrs.evolve(best, promise=rate)


def _gain(point: OperatingPoint, cost: float) -> float:
    """See :func:`lens_core.evaluation.tuning.tune_thresholds`."""
    return point.accepted_right - point.accepted_wrong - cost * max(point.false_accepts.values())


def _candidate(material: Material, thresholds: Thresholds, confidence: float) -> Candidate:
    tested = bounds(Answers.of(material.judged, thresholds), material.tested, confidence)
    promise = max(bound.at_most for bound in tested.values())
    return Candidate(thresholds, operating_point(material.judged, thresholds), tested, promise)


def _auroc_of(pilot: Judged, margin: float, distance: float) -> float:
    """The mean AUROC over the kinds of unknown, of what the decision goes by."""
    reaches = Answers.of(pilot, Thresholds(1.0, margin, distance)).reaches
    exhibits = reaches[pilot.exhibits]
    return float(np.mean([auroc(exhibits, reaches[flags]) for flags in pilot.unknown_kinds.values()]))


def _possible(material: Material, rate: float, confidence: float) -> bool:
    return all(len(rows) >= shots_needed(rate, confidence) for rows in material.tested.values())


def _check_possible(material: Material, rate: float, confidence: float) -> None:
    for kind, rows in material.tested.items():
        needed = shots_needed(rate, confidence)
        if len(rows) < needed:
            can = at_most(0, len(rows), confidence)
            promise = np.ceil(can * 1000) / 1000
            raise CannotPromiseError(
                f"{len(rows)} photos ({kind}; near-duplicates count once) cannot support a false-accept rate "
                f"of {100 * rate:.3g}% at {confidence:.0%} confidence: {needed} are needed, all refused.",
                f"They can support {promise:.1%}: --max-false-accept {promise:g}. Or add such photos.",
            )
