"""``tuning.json``: what was tried, what was chosen and what it costs, beside the tuned model."""

from __future__ import annotations

from typing import Any

import attrs

from lens_core.artifacts.manifest import Guarantee, Manifest, Thresholds
from lens_core.artifacts.versions import bumped
from lens_core.evaluation import metrics
from lens_core.evaluation.answers import Answers
from lens_core.evaluation.tuned import LEVELS, Candidate, Tuned
from lens_core.evaluation.tuning import MARGINS, Shares

NAME = "tuning.json"


def tuned_manifest(manifest: Manifest, found: Tuned, data_hash: str) -> Manifest:
    """The model with its new rule, and what is promised of it. New thresholds make a new minor version."""
    chosen = found.chosen
    return attrs.evolve(
        manifest,
        model_version=bumped(manifest.model_version, "minor"),
        calibration=found.material.calibration,
        thresholds=chosen.thresholds,
        operating_point=chosen.point,
        guarantee=Guarantee(chosen.promise, found.confidence, chosen.bounds, data_hash),
    )


def to_dict(found: Tuned, before: Manifest, after: Manifest) -> dict[str, Any]:
    """What is written."""
    return {
        "format": 1,
        "model_version": after.model_version,
        "previous": {
            "model_version": before.model_version,
            "thresholds": before.thresholds and attrs.asdict(before.thresholds),
        },
        "calibration": attrs.asdict(after.calibration),
        "chosen": _candidate(found.chosen),
        "confidence": found.confidence,
        "data_hash": after.guarantee.data_hash if after.guarantee else None,
        "candidates": [_candidate(candidate) for candidate in found.candidates],
        "scores": found.material.compared,
        "surface": surface(found),
    }


def figures(found: Tuned, seed: int) -> dict[str, Any]:
    """What the model's card tells, measured with the chosen numbers."""
    return metrics.figures(Answers.of(found.material.judged, found.chosen.thresholds), seed)


def _candidate(one: Candidate) -> dict[str, Any]:
    return attrs.asdict(one)


def surface(found: Tuned) -> dict[str, Any]:
    """Shares for every T and M, with the chosen D and score: rows are M, columns T."""
    distance = found.chosen.thresholds.max_distance
    judged = found.material.judged
    rows = [Shares.by_level(judged, Thresholds(0.0, margin, distance), LEVELS) for margin in MARGINS]
    return {
        "threshold": LEVELS.tolist(),
        "min_top1_margin": list(MARGINS),
        "max_distance": distance,
        "answered_right": [row.right.round(4).tolist() for row in rows],
        "answered_wrong": [row.wrong.round(4).tolist() for row in rows],
        "accepted": {
            kind: [row.accepted[kind].round(4).tolist() for row in rows] for kind in rows[0].accepted
        },
    }
