"""``summary.json``: the figures for programs. Its schema is ``summary.schema.json`` beside this file."""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs

from lens_core.evaluation.evaluation import Evaluation
from lens_core.evaluation.examined import Protocol

FORMAT = 1
NAME = "summary.json"


def to_dict(found: Evaluation) -> dict[str, Any]:
    """What is written."""
    counts = {level: len(found.audit.of_level(level)) for level in ("error", "warning", "note")}
    return {
        "format": FORMAT,
        "about": attrs.asdict(found.about),
        "rule": attrs.asdict(found.rule),
        "protocols": [_protocol(one) for one in found.protocols],
        "confused": confused(found.main),
        "data": {f"{level}s": count for level, count in counts.items()}
        | {"readiness": {item.path: item.readiness for item in found.audit.items}},
        "warnings": list(found.warnings),
    }


def _protocol(one: Protocol) -> dict[str, Any]:
    return {
        "name": one.name,
        "place": one.place or None,
        **one.figures,
        "places": one.places,
        "items": [attrs.asdict(item) for item in one.items],
    }


def confused(one: Protocol, most: int = 50) -> list[dict[str, Any]]:
    """Pairs of items that are taken for each other, the most often confused first."""
    table = one.answers.judged
    wrong = table.exhibits & ~table.best_right
    columns = (table.place[wrong], table.item[wrong], table.best_item[wrong])
    counts: Counter[tuple[str, str, str]] = Counter()
    for place, item, other in zip(*(column.tolist() for column in columns), strict=True):
        counts[place, *sorted((item, other))] += 1
    return [
        {"place": place, "items": [first, second], "photos": count}
        for (place, first, second), count in counts.most_common(most)
    ]
