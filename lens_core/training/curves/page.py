"""``learning.html``: losses and figures after each pass, and which items are taken for each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from lens_core.artifacts.atomic import atomic_write
from lens_core.evaluation.report import charts
from lens_core.evaluation.report.charts import Line
from lens_core.pages.page import render
from lens_core.settings import Lang
from lens_core.training.curves.words import WORDS
from lens_core.training.mining import Pair
from lens_core.training.passes import BEST_AUROC, BEST_TOP1, Pass

NAME = "learning.html"
_MOST_TICKS = 10


@frozen
class Learning:
    """How far a fine-tuning is."""

    passes: Sequence[Pass]
    pass_count: int
    learned: int
    """Photos that it learns from."""
    held_out: int
    classes: Sequence[tuple[str, str]]
    """(place, item) of each."""
    best: dict[str, int]
    """``best_top1``, ``best_auroc_reject``: after which pass."""
    mining_from: int | None


@frozen
class Chart:
    """Lines over passes; points and ticks lie in a unit square."""

    key: str
    """Of its title and explanation among the words."""
    lines: tuple[Line, ...]
    across_ticks: tuple[tuple[float, str], ...]
    down_ticks: tuple[tuple[float, str], ...]


@frozen
class _Row:
    """Two items, and what they were to each other after some passes."""

    first: str
    second: str
    pairs: tuple[Pair | None, ...]


def write_page(learning: Learning, path: Path, lang: Lang) -> None:
    """Write one HTML file that needs no network and no script. Raises CannotWriteError (E700)."""
    words = WORDS[lang]
    start = learning.mining_from
    compared = _compared(learning)
    page = render(
        "lens_core.training.curves",
        "learning.html",
        "learning.css",
        lang=lang,
        words=words,
        charts=charts,
        photos={},
        passes=learning.passes,
        pass_count=learning.pass_count,
        learned=learning.learned,
        held_out=learning.held_out,
        drawn=_charts(learning),
        best={name: learning.best[name] for name in (BEST_TOP1, BEST_AUROC) if name in learning.best},
        compared=[one.number for one in compared],
        pairs=_rows(compared, learning.classes),
        mining=words["mined"].format(start) if start else words["not_mined"].format(3),
    )
    atomic_write(path, page)


def _charts(learning: Learning) -> list[Chart]:
    passes, last = learning.passes, learning.pass_count
    across = tuple(
        (_across(number, last), str(number)) for number in range(1, last + 1, -(-last // _MOST_TICKS))
    )
    losses = {"loss_learned": [one.loss for one in passes]}
    figures: dict[str, list[float]] = {}
    if learning.held_out:
        losses["loss_held_out"] = [one.held_out_loss or 0.0 for one in passes]
        figures["top1"] = [one.top1 or 0.0 for one in passes]
        if all(one.auroc_reject is not None for one in passes):
            figures["auroc_reject"] = [one.auroc_reject or 0.0 for one in passes]
    highest = max(max(values) for values in losses.values())
    found = [("loss", losses, _top(highest))] + ([("figures", figures, 1.0)] if figures else [])
    return [
        Chart(
            key,
            tuple(
                Line(
                    name,
                    tuple((_across(number, last), value / top) for number, value in enumerate(values, 1)),
                )
                for name, values in lines.items()
            ),
            across,
            tuple((tick, f"{tick * top:g}") for tick in charts.ticks()),
        )
        for key, lines, top in found
    ]


def _top(highest: float) -> float:
    """The least above it that four ticks of one digit divide: 12 of 11.7, 0.8 of 0.61."""
    if highest <= 0:
        return 1.0
    tick = highest / 4
    digit: float = 10.0 ** math.floor(math.log10(tick))
    return 4 * digit * math.ceil(tick / digit)


def _across(number: int, last: int) -> float:
    return (number - 1) / max(1, last - 1)


def _compared(learning: Learning) -> list[Pass]:
    """The pass before which no pair was dwelt on, and the last."""
    before = min(max(1, (learning.mining_from or 2) - 1), len(learning.passes))
    last = learning.passes[-1]
    return [last] if before == last.number else [learning.passes[before - 1], last]


def _rows(compared: Sequence[Pass], classes: Sequence[tuple[str, str]]) -> list[_Row]:
    by_pass = [{(pair.first, pair.second): pair for pair in one.confused} for one in compared]
    keys = dict.fromkeys(key for pairs in reversed(by_pass) for key in pairs)
    return [
        _Row(
            "/".join(classes[first]),
            "/".join(classes[second]),
            tuple(pairs.get((first, second)) for pairs in by_pass),
        )
        for first, second in keys
    ]
