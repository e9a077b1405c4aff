"""Which rejection score tells exhibits from everything else best, on these photos."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lens_core.artifacts.manifest import SIGNALS, RejectionScore
from lens_core.decision import scores
from lens_core.decision.scores import Numbers
from lens_core.evaluation.judged import Judged
from lens_core.evaluation.metrics import auroc, balanced

COMBINATION = "combination"
CHOICES = (*SIGNALS, COMBINATION)
_PARTS = 5


def fit_score(judged: Judged, name: str) -> RejectionScore | None:
    """The score under which 0.5 means: as likely an exhibit of the place as not. None for ``softmax``,
    which is the rule's own ``p_top1``.

    A logistic regression on one signal, or on all of them; exhibits weigh as much as all unknown photos.
    """
    if name == "softmax":
        return None
    signals = SIGNALS if name == COMBINATION else (name,)
    rows = _columns(judged, signals)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    weights = balanced(judged) * len(rows)
    model.fit(rows, judged.exhibits, logisticregression__sample_weight=weights)
    scaler, regression = model[0], model[1]
    slopes = regression.coef_[0] / scaler.scale_
    bias = float(regression.intercept_[0] - slopes @ scaler.mean_)
    return RejectionScore(name, dict(zip(signals, map(float, slopes), strict=True)), bias)


def compare_scores(judged: Judged) -> dict[str, dict[str, float]]:
    """For every score, its AUROC against each kind of unknown photo, on shots it was not fitted to."""
    return {name: _aurocs(judged, held_out_scores(judged, name)) for name in CHOICES}


def held_out_scores(judged: Judged, name: str) -> Numbers:
    """float64[Q]: each question's score, fitted to other shots than its own."""
    if name == "softmax":
        return judged.p_top1
    if name != COMBINATION:
        return judged.signals[name]  # one signal ranks the same however it is weighted
    found = np.zeros(len(judged.kind))
    parts = min(_PARTS, len(np.unique(judged.shot)))
    for fitted, asked in GroupKFold(parts).split(found, groups=judged.shot):
        score = fit_score(judged.only(fitted), name)
        if score:
            part = judged.only(asked)
            found[asked] = scores.apply(score, part.signals)
    return found


def best_score(compared: dict[str, dict[str, float]], worth: float) -> str:
    """The score with the best mean AUROC over the kinds; ``softmax`` unless another is worth the change."""
    means = {name: float(np.mean(list(aurocs.values()))) for name, aurocs in compared.items()}
    best = max(means, key=lambda name: means[name])
    return best if means[best] >= means["softmax"] + worth else "softmax"


def _aurocs(judged: Judged, values: Numbers) -> dict[str, float]:
    exhibits = values[judged.exhibits]
    return {kind: auroc(exhibits, values[flags]) for kind, flags in judged.unknown_kinds.items()}


def _columns(judged: Judged, signals: Sequence[str]) -> Numbers:
    return np.stack([judged.signals[name] for name in signals], axis=1)
