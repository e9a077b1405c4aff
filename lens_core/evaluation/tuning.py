"""Choosing the calibration and T, M, D from held-out photos."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize

from lens_core.artifacts.manifest import Calibration, OperatingPoint, Thresholds
from lens_core.decision.calibration import probabilities
from lens_core.evaluation.held_out import UNKNOWN, Flags, HeldOut, Judged

_MARGINS = (0.0, 0.05, 0.12, 0.2, 0.3, 0.5)
_STEPS = 60


def fit_calibration(held_out: Sequence[HeldOut]) -> Calibration:
    """The scale and nearness with the least mean surprise.

    For an exhibit's photo the surprise is the log loss of its item; for a look-alike, whose honest answer
    is "any of them or none", it is the cross-entropy to equal probabilities. Both sides weigh the same.
    """

    def surprise(parameters: tuple[float, float]) -> float:
        calibration = Calibration(*parameters)
        known: list[float] = []
        unknown: list[float] = []
        for part in held_out:
            log_probs = np.log(probabilities(part.cosines, part.distances, calibration) + 1e-9)
            shows_item = part.truth != UNKNOWN
            known.extend(-log_probs[shows_item, part.truth[shows_item]])
            unknown.extend(-log_probs[~shows_item].mean(axis=1))
        return float(np.mean(known) + (np.mean(unknown) if unknown else 0.0))

    found = minimize(surprise, x0=(2.5, -0.5), method="Nelder-Mead", options={"maxiter": 200, "xatol": 0.01})
    scale, nearness = found.x
    return Calibration(float(scale), min(0.0, float(nearness)))


def tune_thresholds(judged: Judged, max_false_accept: float) -> tuple[Thresholds, OperatingPoint]:
    """The T, M, D that answer most exhibits rightly while accepting at most this share of any unknown kind.

    Accepting by either opinion adds both opinions' mistakes, so the three are chosen together: every T with
    every M, and for each the loosest D that still keeps the promise. A wrong answer counts against as much
    as a right one counts for.
    """
    kinds = [judged.kind == kind for kind in np.unique(judged.kind[~judged.exhibits])]
    best: tuple[float, Thresholds] | None = None
    for threshold in _candidates(judged.p_top1):
        for margin in _MARGINS:
            distance = _loosest_distance(judged, threshold, margin, kinds, max_false_accept)
            if distance is None:
                continue
            chosen = Thresholds(float(threshold), margin, distance)
            right, wrong, _ = _outcome(judged, chosen)
            gain = float(right.sum() - wrong.sum())
            if best is None or gain > best[0]:
                best = (gain, chosen)
    # T = 1.01 with D = 0 accepts nothing, so there always is a choice.
    thresholds = best[1] if best else Thresholds(1.01, 0.0, 0.0)
    return thresholds, operating_point(judged, thresholds)


def operating_point(judged: Judged, thresholds: Thresholds) -> OperatingPoint:
    """What a visitor meets with these thresholds, on these photos."""
    right, wrong, accepted = _outcome(judged, thresholds)
    exhibits, unknown = judged.exhibits, ~judged.exhibits
    worst = max((accepted[judged.kind == kind].mean() for kind in np.unique(judged.kind[unknown])), default=0)
    return OperatingPoint(
        accepted_right=float(right[exhibits].mean()),
        accepted_wrong=float(wrong[exhibits].mean()),
        false_accepts=float(worst),
        exhibit_photos=int(exhibits.sum()),
        look_alike_photos=int(unknown.sum()),
    )


def _candidates(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.unique(np.append(np.quantile(values, np.linspace(0, 1, _STEPS)), 1.01))


def _loosest_distance(
    judged: Judged, threshold: float, margin: float, kinds: Sequence[Flags], allowed: float
) -> float | None:
    """The largest D for which no kind of unknown photo is accepted more often than allowed."""
    for distance in np.append(np.quantile(judged.d_top1, np.linspace(1, 0, _STEPS)), 0.0):
        _, _, accepted = _outcome(judged, Thresholds(threshold, margin, float(distance)))
        if all(accepted[kind].mean() <= allowed for kind in kinds):
            return float(distance)
    return None


def _outcome(judged: Judged, thresholds: Thresholds) -> tuple[Flags, Flags, Flags]:
    """(answered rightly, answered wrongly, accepted), photo by photo: `decide`, for many at once."""
    by_classifier = (
        judged.several
        & (judged.p_top1 >= thresholds.threshold)
        & (judged.margin >= thresholds.min_top1_margin)
    )
    by_neighbour = judged.d_top1 <= thresholds.max_distance
    accepted = (by_classifier | by_neighbour) & ~(by_classifier & by_neighbour & ~judged.agree)
    names_right = np.where(by_classifier, judged.best_right, judged.nearest_right)
    return accepted & names_right, accepted & ~names_right, accepted
