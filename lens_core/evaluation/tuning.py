"""Choosing the calibration and T, M, D from held-out photos."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from lens_core.artifacts.manifest import Calibration, OperatingPoint, Thresholds
from lens_core.decision.calibration import probabilities
from lens_core.decision.rule import is_near
from lens_core.evaluation.held_out import UNKNOWN, Flags, HeldOut, Judged, Numbers

_MARGINS = (0.0, 0.05, 0.12, 0.2, 0.3)
_LEVELS = np.linspace(0.02, 0.98, 49).round(2)
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
    plain, plain_gain = _best_level(judged, 0.0, 0.0, false_accept_cost)
    tried = [
        _best_level(judged, margin, float(distance), false_accept_cost)
        for distance in (0.0, *near)
        for margin in _MARGINS
    ]
    rich, rich_gain = max(tried, key=lambda one: one[1])
    return rich if rich_gain > plain_gain + _WORTH else plain


def _best_level(judged: Judged, margin: float, distance: float, cost: float) -> tuple[Thresholds, float]:
    """The best T for an M and a D, and what it gains; of several equally good ones the middle."""
    right, accepted = _shares_by_level(judged, Thresholds(0.0, margin, distance))
    worst = np.max([accepted[kind] for kind in judged.unknown_kinds], axis=0)
    gains = right - (accepted["exhibit"] - right) - cost * worst
    equally_good = np.flatnonzero(gains >= gains.max() - 1e-9)
    best = equally_good[len(equally_good) // 2]
    return Thresholds(float(_LEVELS[best]), margin, distance), float(gains[best])


def _shares_by_level(judged: Judged, thresholds: Thresholds) -> tuple[Numbers, dict[str, Numbers]]:
    """For every T at once: (share of exhibits answered rightly, share of each kind accepted)."""
    reached = np.searchsorted(_LEVELS, judged.p_top1, side="right")  # how many levels each photo reaches
    passes = judged.margin >= thresholds.min_top1_margin
    near = is_near(judged.d_top1, thresholds)
    conflict = near & ~judged.agree

    def count(members: Flags, best_counts: Flags, nearest_counts: Flags) -> Numbers:
        """Accepted photos by level: by the classifier alone, by agreement, or until the two conflict."""
        alone = members & ~near & passes & best_counts
        until = members & conflict & nearest_counts
        certain = int((members & near & judged.agree & nearest_counts).sum() + until.sum())
        return certain + _at_least(reached[alone]) - _at_least(reached[until & passes])

    everyone = np.ones_like(near)
    kinds = {"exhibit": judged.exhibits, **judged.unknown_kinds}
    accepted = {name: count(kind, everyone, everyone) / kind.sum() for name, kind in kinds.items()}
    right = count(judged.exhibits, judged.best_right, judged.nearest_right) / judged.exhibits.sum()
    return right, accepted


def _at_least(reached: NDArray[np.int64]) -> Numbers:
    """For each level, how many photos reach it."""
    per_level = np.bincount(reached, minlength=len(_LEVELS) + 1)
    return per_level[::-1].cumsum()[::-1][1:].astype(np.float64)


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
    by_neighbour = is_near(judged.d_top1, thresholds)
    accepted = (by_classifier | by_neighbour) & ~(by_classifier & by_neighbour & ~judged.agree)
    names_right = np.where(by_classifier, judged.best_right, judged.nearest_right)
    return accepted & names_right, accepted
