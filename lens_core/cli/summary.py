"""The table that ends a training run, in words a curator understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lens_core.cli.figures import percent, plain
from lens_core.cli.say import table

if TYPE_CHECKING:
    from lens_core.artifacts.manifest import OperatingPoint, Thresholds
    from lens_core.training.desk import TrainedRun


def summary(run: TrainedRun) -> str:
    """What was trained, how good it is on held-out photos, and what a visitor will meet."""
    from lens_core.evaluation.words import UNKNOWN

    manifest, figures, data = run.manifest, run.metrics, run.dataset
    rows = [
        ["model", str(run.checkpoint)],
        ["version", f"{manifest.model_version}: {run.version.reason}"],
        ["photos", f"{len(data.photos)} of {len(data.items)} items in {len(data.places)} places"],
        ["backbone", f"{manifest.backbone.full_name}, {manifest.preprocess.size} pixels"],
    ]
    if "top1" in figures:
        rows.append(["right item first (top-1)", percent(figures["top1"])])
        rows.append(["right item among the first 3", percent(figures["top3"])])
    for kind, scores in figures.get("unknown", {}).items():
        rows.append([f"AUROC against {UNKNOWN[kind]}", plain(scores["auroc"])])
    if manifest.thresholds and manifest.operating_point:
        rows += _operating_point(manifest.thresholds, manifest.operating_point)
    else:
        rows.append(["T, M, D", "not tuned: too few photos; pass --reject-threshold to infer"])
    return table("Measured on held-out photos (95 % interval)", ["", ""], rows)


def _operating_point(thresholds: Thresholds, point: OperatingPoint) -> list[list[str]]:
    from lens_core.evaluation.words import UNKNOWN

    triple = (thresholds.threshold, thresholds.min_top1_margin, thresholds.max_distance)
    return [
        ["T, M, D", ", ".join(f"{value:.3f}" for value in triple)],
        ["exhibits answered rightly", f"{point.accepted_right:.1%}"],
        ["exhibits answered wrongly", f"{point.accepted_wrong:.1%}"],
        ["exhibits asked to be retaken", f"{1 - point.accepted_right - point.accepted_wrong:.1%}"],
        *([f"accepted: {UNKNOWN[kind]}", f"{share:.1%}"] for kind, share in point.false_accepts.items()),
    ]
