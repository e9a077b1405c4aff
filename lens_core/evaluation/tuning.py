"""Choosing the calibration and T, M, D from held-out photos."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize

from lens_core.artifacts.manifest import Calibration, OperatingPoint, Thresholds
from lens_core.decision.calibration import probabilities
from lens_core.evaluation.held_out import UNKNOWN, Flags, HeldOut, Judged, Numbers

_MARGINS = (0.0, 0.05, 0.12, 0.2, 0.3)
_LEVELS = np.linspace(0.02, 0.98, 49)
_DISTANCES = 40
_WORTH = 0.01
"""M and D stay out unless they gain this much: a rule with fewer numbers holds up better on new photos."""


USUAL = Calibration(scale=14.0, none=0.4)
"""About what calibration finds for every backbone tried; used as it is where there is nothing to fit on."""


def fit_calibration(held_out: Sequence[HeldOut]) -> Calibration:
    """The scale and the "none" constant with the least mean surprise.

    The surprise of an exhibit's photo is the log loss of its item, of an unknown photo that of "none of
    these". Exhibits weigh as much as all unknowns together, each kind of unknown the same.
    """
    unknown_kinds = {part.kind for part in held_out} - {"exhibit"}

    def surprise(parameters: tuple[float, float]) -> float:
        losses: dict[str, list[float]] = {}
        for part in held_out:
            losses.setdefault(part.kind, []).extend(_surprise(part, Calibration(*parameters)))
        unknown = np.mean([np.mean(losses[kind]) for kind in unknown_kinds])
        # Photos that separate perfectly would drive the scale to infinity; this holds it near the usual.
        restraint = 0.05 * np.log(parameters[0] / USUAL.scale) ** 2
        return float(np.mean(losses["exhibit"]) + unknown + restraint)

    start, options = (USUAL.scale, USUAL.none), {"xatol": 1e-3, "fatol": 1e-4}
    bounds = ((1.0, 100.0), (-1.0, 1.0))
    found = minimize(surprise, x0=start, method="Nelder-Mead", bounds=bounds, options=options)
    scale, none = found.x
    return Calibration(float(scale), float(none))


def _surprise(part: HeldOut, calibration: Calibration) -> Numbers:
    probs = probabilities(part.cosines, calibration).astype(np.float64)
    shows_item = part.truth != UNKNOWN
    of_truth = probs[np.arange(len(probs)), part.truth]
    likelihood: Numbers = np.where(shows_item, of_truth, 1 - probs.sum(axis=1)).clip(1e-9)
    return -np.log(likelihood)


def tune_thresholds(judged: Judged, false_accept_cost: float) -> Thresholds:
    """The T, M, D that serve visitors best on these photos, chosen together.

    An exhibit answered rightly counts +1, wrongly -1, each as a share of the exhibits' photos; a false accept
    counts ``-false_accept_cost``, as a share of the worst kind of unknown photo. Accepting by either opinion
    adds both opinions' mistakes, so every T is tried with every M and D.
    """
    near = np.quantile(judged.d_top1[judged.exhibits], np.linspace(0, 0.8, _DISTANCES))
    plain = [Thresholds(float(level), 0.0, 0.0) for level in _LEVELS]
    full = [
        Thresholds(float(level), margin, float(distance))
        for distance in (0.0, *near)
        for margin in _MARGINS
        for level in _LEVELS
    ]
    simple, simple_gain = _best(judged, plain, false_accept_cost)
    rich, rich_gain = _best(judged, full, false_accept_cost)
    return rich if rich_gain > simple_gain + _WORTH else simple


def _best(judged: Judged, candidates: Sequence[Thresholds], cost: float) -> tuple[Thresholds, float]:
    gains = []
    for candidate in candidates:
        point = operating_point(judged, candidate)
        worst = max(point.false_accepts.values(), default=0.0)
        gains.append(point.accepted_right - point.accepted_wrong - cost * worst)
    # Several may be equally good, where photos separate clearly: the middle one is furthest from both sides.
    equally_good = np.flatnonzero(np.array(gains) >= max(gains) - 1e-9)
    best = int(equally_good[len(equally_good) // 2])
    return candidates[best], gains[best]


def operating_point(judged: Judged, thresholds: Thresholds) -> OperatingPoint:
    """What a visitor meets with these thresholds, on these photos."""
    right, accepted = _outcome(judged, thresholds)
    exhibits = judged.exhibits
    kinds = judged.unknown_kinds
    return OperatingPoint(
        accepted_right=float(right[exhibits].mean()),
        accepted_wrong=float((accepted & ~right)[exhibits].mean()),
        false_accepts={name: float(accepted[kind].mean()) for name, kind in kinds.items()},
        photos={"exhibit": int(exhibits.sum())} | {name: int(kind.sum()) for name, kind in kinds.items()},
    )


def _outcome(judged: Judged, thresholds: Thresholds) -> tuple[Flags, Flags]:
    """(answered rightly, accepted), photo by photo: `decide`, for many at once."""
    by_classifier = (judged.p_top1 >= thresholds.threshold) & (judged.margin >= thresholds.min_top1_margin)
    by_neighbour = judged.d_top1 <= thresholds.max_distance
    accepted = (by_classifier | by_neighbour) & ~(by_classifier & by_neighbour & ~judged.agree)
    names_right = np.where(by_classifier, judged.best_right, judged.nearest_right)
    return accepted & names_right, accepted
