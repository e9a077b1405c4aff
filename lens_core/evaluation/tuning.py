"""Choosing T, M and D from held-out photos."""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from lens_core.artifacts.manifest import OperatingPoint, Thresholds
from lens_core.decision.rule import is_near
from lens_core.decision.scores import Numbers
from lens_core.evaluation.answers import Answers
from lens_core.evaluation.judged import Flags, Judged

MARGINS = (0.0, 0.05, 0.12, 0.2, 0.3)
LEVELS = np.linspace(0.02, 0.98, 49).round(2)
"""The T that are tried."""
_DISTANCES = 40


def distances(judged: Judged) -> Numbers:
    """The D that are tried: none, and how near exhibits' photos are to their reference photos."""
    near = np.quantile(judged.d_top1[judged.exhibits], np.linspace(0, 0.8, _DISTANCES))
    return np.array([0.0, *near])


def tune_thresholds(judged: Judged, false_accept_cost: float) -> Thresholds:
    """The T, M, D that serve visitors best on these photos, chosen together.

    An exhibit answered rightly counts +1, wrongly -1, each as a share of the exhibits' photos; a false accept
    counts ``-false_accept_cost``, as a share of the worst kind of unknown photo. Accepting by either opinion
    adds both opinions' mistakes, so every T is tried with every M and D. These stay out unless they gain a
    standard error: a rule with fewer numbers holds up better on new photos (Breiman et al., 1984).
    """
    plain, plain_gain = best_level(judged, 0.0, 0.0, false_accept_cost)
    tried = [
        best_level(judged, margin, float(distance), false_accept_cost)
        for distance in distances(judged)
        for margin in MARGINS
    ]
    rich, rich_gain = max(tried, key=lambda one: one[1])
    return rich if rich_gain > plain_gain + _standard_error(judged) else plain


def _standard_error(judged: Judged) -> float:
    """Of a share of the exhibits' photos, at most."""
    return 0.5 / math.sqrt(judged.exhibits.sum())


def best_level(judged: Judged, margin: float, distance: float, cost: float) -> tuple[Thresholds, float]:
    """The best T for an M and a D, and what it gains; of several equally good ones the middle."""
    gains = Shares.by_level(judged, Thresholds(0.0, margin, distance)).gains(cost)
    equally_good = np.flatnonzero(gains >= gains.max() - 1e-9)
    best = equally_good[len(equally_good) // 2]
    return Thresholds(float(LEVELS[best]), margin, distance), float(gains[best])


@frozen(eq=False)
class Shares:
    """For many T at once (LEVELS, unless others are given), with one M and one D."""

    right: Numbers
    """Share of exhibits' photos answered rightly."""
    wrong: Numbers
    """Share of exhibits' photos answered with another item."""
    accepted: dict[str, Numbers]
    """Share accepted of each kind of unknown photo."""

    @classmethod
    def by_level(cls, judged: Judged, thresholds: Thresholds, levels: Numbers = LEVELS) -> Shares:
        reached = np.searchsorted(levels, judged.score, side="right")  # how many levels each photo reaches
        passes = judged.margin >= thresholds.min_top1_margin
        near = np.asarray(is_near(judged.d_top1, thresholds))
        conflict = near & ~judged.agree

        def count(members: Flags, best_counts: Flags, nearest_counts: Flags) -> Numbers:
            """Accepted photos by level: by the classifier alone, by agreement, or until the two conflict."""
            alone = members & ~near & passes & best_counts
            until = members & conflict & nearest_counts
            certain = int((members & near & judged.agree & nearest_counts).sum() + until.sum())
            return certain + at_least(reached[alone]) - at_least(reached[until & passes])

        def at_least(counts: NDArray[np.int64]) -> Numbers:
            """For each level, how many photos reach it."""
            per_level = np.bincount(counts, minlength=len(levels) + 1)
            return per_level[::-1].cumsum()[::-1][1:].astype(np.float64)

        everyone = np.ones_like(near)
        exhibits = judged.exhibits
        right = count(exhibits, judged.best_right, judged.nearest_right) / exhibits.sum()
        return cls(
            right,
            count(exhibits, everyone, everyone) / exhibits.sum() - right,
            {
                name: count(kind, everyone, everyone) / kind.sum()
                for name, kind in judged.unknown_kinds.items()
            },
        )

    def gains(self, false_accept_cost: float) -> Numbers:
        """See :func:`tune_thresholds`."""
        worst: Numbers = np.max(list(self.accepted.values()), axis=0)
        return self.right - self.wrong - false_accept_cost * worst


def operating_point(judged: Judged, thresholds: Thresholds) -> OperatingPoint:
    """What a visitor meets with these thresholds, on these photos."""
    answers = Answers.of(judged, thresholds)
    exhibits, kinds = judged.exhibits, judged.unknown_kinds
    return OperatingPoint(
        accepted_right=float(answers.right[exhibits].mean()),
        accepted_wrong=float((answers.accepted & ~answers.right)[exhibits].mean()),
        false_accepts={name: float(answers.accepted[kind].mean()) for name, kind in kinds.items()},
        photos={"exhibit": int(exhibits.sum())} | {name: int(kind.sum()) for name, kind in kinds.items()},
    )
