"""Figures with their 95 % intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import frozen

from lens_core.contracts import Rows
from lens_core.decision.scores import Numbers
from lens_core.decision.scores import auroc as auroc
from lens_core.evaluation import bootstrap
from lens_core.evaluation.answers import Answers
from lens_core.evaluation.bootstrap import Figure
from lens_core.evaluation.judged import Flags, Judged

BINS = 10
"""Of the calibration error, of equal width."""
TPR = 0.95


def figures(answers: Answers, seed: int) -> dict[str, Any]:
    """Everything that is measured on one set of questions."""
    table, exhibits = answers.judged, answers.judged.exhibits
    shots = table.shot[exhibits]

    def of_exhibits(flags: Flags) -> Figure:
        return bootstrap.share(flags[exhibits], shots, seed)

    return {
        "photos": int(exhibits.sum()),
        "shots": len(np.unique(shots)),
        "top1": of_exhibits(table.best_right),
        "top3": of_exhibits(table.top3_right),
        "map": bootstrap.mean(table.average_precision[exhibits], shots, seed),
        "answered_right": of_exhibits(answers.right),
        "answered_wrong": of_exhibits(answers.accepted & ~answers.right),
        "retaken": of_exhibits(~answers.accepted),
        "calibration_error": _calibration_error(table, seed),
        "unknown": {kind: _of_unknown(answers, flags, seed) for kind, flags in table.unknown_kinds.items()},
    }


def _of_unknown(answers: Answers, unknown: Flags, seed: int) -> dict[str, Any]:
    """How well one kind of unknown photo is told from exhibits."""
    table, exhibits = answers.judged, answers.judged.exhibits
    shots = [table.shot[exhibits], table.shot[unknown]]
    scores = np.concatenate([answers.reaches[exhibits], answers.reaches[unknown]])
    truth = np.repeat([1, 0], [exhibits.sum(), unknown.sum()])
    return {
        "questions": int(unknown.sum()),
        "photos": len(np.unique(table.photo[unknown])),
        "shots": len(np.unique(shots[1])),
        "accepted": bootstrap.share(answers.accepted[unknown], shots[1], seed),
        **bootstrap.each(lambda weights: rejection(truth, scores, weights), shots, seed),
    }


def rejection(truth: Rows, scores: Numbers, weights: Numbers) -> dict[str, Numbers]:
    """How well a score (higher for exhibits) tells exhibits (truth 1) from photos to be refused (0).

    All figures float64[R], for weights float64[R, N] of the N photos; scikit-learn's take half a minute for
    the R of an interval. ``auroc``: 1 is perfect, 0.5 is chance. ``aupr``: the average precision of
    accepting. ``eer``: the error at the threshold where as many exhibits are refused as unknown photos
    accepted. ``fpr95``: the share of unknown photos accepted where 95 % of the exhibits are.
    """
    true, false = _accepted(truth, scores, weights), _accepted(1 - truth, scores, weights)
    everything = np.maximum(true + false, np.finfo(float).tiny)  # 0 where the surest have no weight
    precision = true / everything
    true, false = true / true[:, -1:], false / false[:, -1:]
    return {
        "auroc": np.trapezoid(true, false, axis=1),
        "aupr": (np.diff(true, axis=1) * precision[:, 1:]).sum(axis=1),
        "eer": _equal_error_rate(true, false),
        "fpr95": _first(true >= TPR - 1e-12, false),
    }


def _accepted(truth: Rows, scores: Numbers, weights: Numbers) -> Numbers:
    """float64[R, 1 + T]: the weight of what is accepted by no score, and from each of T falling scores on."""
    order = np.argsort(-scores, kind="stable")
    last_of_score = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    sums = np.cumsum((weights * truth)[:, order], axis=1)[:, last_of_score]
    return np.concatenate([np.zeros((len(weights), 1)), sums], axis=1)


def _first(holds: Flags, values: Numbers) -> Numbers:
    """float64[R]: of each row, the value where it first holds."""
    return np.take_along_axis(values, holds.argmax(axis=1)[:, None], axis=1)[:, 0]


def _equal_error_rate(true: Numbers, false: Numbers) -> Numbers:
    """Where ROC curves cross the falling diagonal, between their points in a straight line."""
    excess = false - (1 - true)  # rises from -1 to 1
    reached = excess >= 0
    before = np.roll(reached, -1, axis=1)  # the point before the first one that has reached it
    low, high = _first(before, excess), _first(reached, excess)
    start, end = _first(before, false), _first(reached, false)
    return start - low / (high - low) * (end - start)


def _calibration_error(table: Judged, seed: int) -> Figure:
    groups = [table.shot[flags] for flags in _sorts(table)]
    order = np.concatenate([np.flatnonzero(flags) for flags in _sorts(table)])
    right, p_top1 = table.best_right[order], table.p_top1[order]
    balance = balanced(table)[order]

    def error(weights: Numbers) -> dict[str, Numbers]:
        return {"": np.array([calibration_error(right, p_top1, row * balance) for row in weights])}

    return bootstrap.each(error, groups, seed)[""]


def _sorts(table: Judged) -> list[Flags]:
    return [table.exhibits, *table.unknown_kinds.values()]


def balanced(table: Judged) -> Numbers:
    """float64[Q]: weights under which exhibits count as much as all unknown photos, each kind the same.

    That is the mixture which the calibration is fitted to; nobody knows a museum's own.
    """
    weights = np.zeros(len(table.kind))
    kinds = table.unknown_kinds
    weights[table.exhibits] = 1 / table.exhibits.sum()
    for flags in kinds.values():
        weights[flags] = 1 / flags.sum() / len(kinds)
    return weights


def calibration_error(right: Flags, p_top1: Numbers, weights: Numbers) -> float:
    """The expected calibration error (Guo et al., "On Calibration of Modern Neural Networks", 2017): the mean
    difference between a bin's probabilities and its share of right ones."""
    bars = calibration_curve(right, p_top1, weights)
    return sum(abs(bar.right - bar.claimed) * bar.weight for bar in bars)


@frozen
class Bar:
    """Photos whose probabilities are about the same."""

    claimed: float
    """Their mean probability."""
    right: float
    """The share of them that show the item they are most like."""
    weight: float
    """Their share of all photos."""


def calibration_curve(right: Flags, p_top1: Numbers, weights: Numbers) -> list[Bar]:
    """The bins that are not empty, from 0 to 1."""
    bins = np.minimum((p_top1 * BINS).astype(np.int64), BINS - 1)
    sums = [np.bincount(bins, values, BINS) for values in (weights * p_top1, weights * right, weights)]
    return [
        Bar(float(claimed / weight), float(hits / weight), float(weight / weights.sum()))
        for claimed, hits, weight in zip(*sums, strict=True)
        if weight > 0
    ]
