"""Accuracy against speed as one drawing: a dot for each file, and its name where no other name is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from attrs import frozen

from lens_core.bench.row import Row

WIDTH, HEIGHT = 960, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 940, 16, 356
_LETTER, _LINE = 7.6, 16
"""Pixels of a letter of a name, at most, and of a line."""
_GAP = 9
"""Between a dot and its name."""
_STEPS = (1, 2, 2.5, 5)

Figure = Literal["top1", "auroc"]


@frozen
class Dot:
    """A file's place on the drawing, in pixels, and where its name begins."""

    name: str
    x: float
    y: float
    name_x: float
    name_y: float
    """The baseline."""
    resized: bool
    recommended: bool

    @property
    def apart(self) -> bool:
        """Whether the name is so far from its dot that a line must lead to it."""
        return abs(self.name_y - self.y) > _LINE


@frozen
class Picture:
    """Dots, and the labelled ticks of both axes in pixels."""

    figure: Figure
    dots: tuple[Dot, ...]
    across: tuple[tuple[float, str], ...]
    down: tuple[tuple[float, str], ...]


def draw(rows: Sequence[Row], figure: Figure, recommended: Row | None) -> Picture | None:
    """None where the figure was not measured."""
    points = [
        (row, row.measured.network.p50, 100 * value)
        for row in rows
        if row.measured and (value := getattr(row.measured, figure)) is not None
    ]
    if not points:
        return None
    across = _ticks(0, 1.08 * max(ms for _, ms, _ in points), 8)
    worst, best = min(value for *_, value in points), max(value for *_, value in points)
    room = max(0.5, 0.15 * (best - worst))
    down = _ticks(worst - room, min(100.0, best + room) if best < 100 else best + room / 2, 6)
    dots: list[Dot] = []
    for row, ms, value in sorted(points, key=lambda point: point[1:]):
        x, y = _place(ms, across, LEFT, RIGHT), _place(value, down, BOTTOM, TOP)
        name_x, name_y = _free(row.candidate.name, x, y, dots)
        dots.append(Dot(row.candidate.name, x, y, name_x, name_y, row.candidate.resized, row is recommended))
    return Picture(
        figure,
        tuple(dots),
        tuple((_place(tick, across, LEFT, RIGHT), f"{tick:g}") for tick in across),
        tuple((_place(tick, down, BOTTOM, TOP), f"{tick:g} %") for tick in down if tick <= 100),
    )


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers, from at most ``low`` to at least ``high``."""
    least = (high - low) / most
    power = 10 ** math.floor(math.log10(least))
    step = next(factor * power for factor in (*_STEPS, 10) if factor * power >= least)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(number * step, 6) for number in range(first, last + 1)]


def _place(value: float, ticks: Sequence[float], start: float, end: float) -> float:
    return round(start + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (end - start), 1)


def _free(name: str, x: float, y: float, taken: Sequence[Dot]) -> tuple[float, float]:
    """Where a name covers no other name and no dot: beside its dot, else as near above or below as can be."""
    width = _LETTER * len(name)
    beside = x + _GAP if x + _GAP + width <= RIGHT else x - _GAP - width
    middle = y + _LINE / 3
    offsets = [0.0] + [sign * step * _LINE for step in range(1, 20) for sign in (-1, 1)]
    places = [(beside, middle + offset) for offset in offsets if TOP + _LINE <= middle + offset <= BOTTOM - 4]
    return next((place for place in places if not _covers(*place, width, taken)), (beside, middle))


def _covers(x: float, y: float, width: float, taken: Sequence[Dot]) -> bool:
    for dot in taken:
        beside = dot.name_x + _LETTER * len(dot.name) < x or x + width < dot.name_x
        if not beside and abs(dot.name_y - y) < _LINE:
            return True
        if x - _GAP / 2 < dot.x < x + width and abs(dot.y - (y - _LINE / 3)) < _LINE * 0.75:
            return True
    return False
