"""Figures with their intervals. scikit-learn does the arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from lens_core.artifacts.manifest import Thresholds
from lens_core.decision.rule import is_near
from lens_core.evaluation.held_out import Flags, Judged, Numbers

_RESAMPLES = 1000


def decision_score(judged: Judged, thresholds: Thresholds) -> Numbers:
    """What the decision really goes by: the largest T at which each photo would still be accepted.

    That is its probability, or 0 where the margin is too small; with a reference photo near enough it is
    accepted at any T, unless the two opinions conflict.
    """
    score = np.where(judged.margin >= thresholds.min_top1_margin, judged.p_top1, 0.0)
    near = is_near(judged.d_top1, thresholds)
    conflict = ~judged.agree & (score >= thresholds.threshold)
    by_neighbour: Numbers = np.where(conflict, 0.0, 1.0)
    return np.where(near, by_neighbour, score)


def figures(judged: Judged, thresholds: Thresholds, seed: int) -> dict[str, Any]:
    """Top-1, top-3 and the reject AUROC per kind of unknown photo; each with a 95 % bootstrap interval."""
    score = decision_score(judged, thresholds)
    exhibits = judged.exhibits
    answer: dict[str, Any] = {
        "photos": int(exhibits.sum()),
        "top1": _share(judged.best_right[exhibits], seed),
        "top3": _share(judged.top3_right[exhibits], seed),
        "reject_auroc": {},
    }
    for kind, unknown in judged.unknown_kinds.items():
        answer["reject_auroc"][kind] = {
            "photos": int(unknown.sum()),
            "decision": _auroc(score[exhibits], score[unknown], seed),
            "distance": _auroc(-judged.d_top1[exhibits], -judged.d_top1[unknown], seed),
        }
    return answer


def _share(flags: Flags, seed: int) -> dict[str, float]:
    resampled = np.random.default_rng(seed).choice(flags, (_RESAMPLES, len(flags))).mean(axis=1)
    return _with_interval(float(flags.mean()), resampled)


def _auroc(exhibits: Numbers, unknown: Numbers, seed: int) -> dict[str, float]:
    random = np.random.default_rng(seed)
    resampled = [
        auroc(random.choice(exhibits, len(exhibits)), random.choice(unknown, len(unknown)))
        for _ in range(_RESAMPLES // 5)
    ]
    return _with_interval(auroc(exhibits, unknown), np.array(resampled))


def auroc(exhibits: Numbers, unknown: Numbers) -> float:
    """How well a score (higher for exhibits) separates the two; 1 is perfect, 0.5 is chance."""
    truth = np.concatenate([np.ones(len(exhibits)), np.zeros(len(unknown))])
    return float(roc_auc_score(truth, np.concatenate([exhibits, unknown])))


def _with_interval(value: float, resampled: Numbers) -> dict[str, float]:
    low, high = np.quantile(resampled, (0.025, 0.975))
    return {"value": round(value, 4), "low": round(float(low), 4), "high": round(float(high), 4)}
