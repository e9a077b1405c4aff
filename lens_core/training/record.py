"""What the proof found, photo by photo and item by item: the raw material of reports."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lens_core.artifacts.manifest import Calibration, Thresholds
from lens_core.decision.rule import Evidence, decide
from lens_core.evaluation.held_out import UNKNOWN, judge
from lens_core.photos.layout import Dataset
from lens_core.training.learn import Learned
from lens_core.training.proof import Asked

Line = dict[str, Any]


def held_out(learned: Learned, dataset: Dataset, ood: Sequence[Path]) -> list[Line]:
    """One entry per question of the proof: the photo, what it shows, what was answered and why."""
    if learned.thresholds is None:
        return []
    places, items = dataset.places, [item for _, item in dataset.items]
    own = [dataset.inside(photo) for photo in dataset.photos]
    other = [path.name for path in ood]  # the bare name: no personal paths
    lines: list[Line] = []
    for asked in learned.asked:
        kind, files = asked.answers.kind, other if asked.answers.kind == "ood" else own
        names = [items[number] for number in asked.items]
        answered = _answered(asked, names, learned.calibration, learned.thresholds)
        for row, line in zip(asked.rows, answered, strict=True):
            lines.append({"kind": kind, "photo": files[row], "place": places[asked.place], **line})
    return lines


def _answered(
    asked: Asked, names: Sequence[str], calibration: Calibration, thresholds: Thresholds
) -> Iterator[Line]:
    answers, judged = asked.answers, judge([asked.answers], calibration)
    for position, truth in enumerate(answers.truth):
        evidence = Evidence(
            best_item=names[answers.cosines[position].argmax()],
            p_top1=float(judged.p_top1[position]),
            margin=float(judged.margin[position]),
            nearest_item=names[answers.nearest[position]],
            d_top1=float(judged.d_top1[position]),
        )
        verdict = decide(evidence, thresholds)
        yield {
            "item": None if truth == UNKNOWN else names[truth],
            "best_item": evidence.best_item,
            "p_top1": round(evidence.p_top1, 4),
            "margin": round(evidence.margin, 4),
            "nearest_item": evidence.nearest_item,
            "distance": round(evidence.d_top1, 4),
            "selected_item": verdict.item,
            "reason": str(verdict.reason),
        }


def per_item(lines: Sequence[Line]) -> list[Line]:
    """How each item fared: its photos, the share named rightly, and what it is taken for most often."""
    named: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for line in lines:
        if line["kind"] == "exhibit":
            named[line["place"], line["item"]][line["best_item"]] += 1
    return [_one_item(place, item, counts) for (place, item), counts in sorted(named.items())]


def _one_item(place: str, item: str, counts: Counter[str]) -> Line:
    wrong = [(name, count) for name, count in counts.most_common() if name != item]
    return {
        "place": place,
        "item": item,
        "photos": counts.total(),
        "top1": round(counts[item] / counts.total(), 4),
        "taken_for": wrong[0][0] if wrong else None,
    }
