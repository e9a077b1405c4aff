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
class Box:
    """A rectangle on the drawing."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, spot: tuple[float, float]) -> Box:
        x, y = spot
        return cls(x - _GAP + 1, y - _GAP + 1, x + _GAP - 1, y + _GAP - 1)

    @property
    def baseline(self) -> tuple[float, float]:
        """Where its text begins."""
        return self.left, self.bottom - 4

    def meets(self, other: Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


@frozen
class Dot:
    """A file's place on the drawing, in pixels, and that of its name."""

    name: str
    x: float
    y: float
    box: Box
    """Of the name."""
    resized: bool
    recommended: bool

    @property
    def leader(self) -> tuple[float, float] | None:
        """Where a line from the dot meets the name; None where the name is right beside it."""
        if self.box.top < self.y < self.box.bottom:
            return None
        nearest = min(max(self.x, self.box.left), self.box.right)
        return nearest, self.box.bottom if self.box.bottom < self.y else self.box.top


@frozen
class Picture:
    """Dots, and the labelled ticks of both axes in pixels."""

    figure: Figure
    dots: tuple[Dot, ...]
    across: tuple[tuple[float, str], ...]
    down: tuple[tuple[float, str], ...]


def draw(rows: Sequence[Row], figure: Figure, recommended: Row | None) -> Picture | None:
    """None where the figure was not measured."""
    points = sorted(
        (
            (row, row.measured.network.p50, 100 * value)
            for row in rows
            if row.measured and (value := getattr(row.measured, figure)) is not None
        ),
        key=lambda point: point[1:],
    )
    if not points:
        return None
    across = _ticks(0, 1.08 * max(ms for _, ms, _ in points), 8)
    worst, best = min(value for *_, value in points), max(value for *_, value in points)
    room = max(0.5, 0.15 * (best - worst))
    down = _ticks(worst - room, min(100.0, best + room) if best < 100 else best + room / 2, 6)
    spots = [(_place(ms, across, LEFT, RIGHT), _place(value, down, BOTTOM, TOP)) for _, ms, value in points]
    dots: list[Dot] = []
    for (row, *_), (x, y) in zip(points, spots, strict=True):
        name, taken = row.candidate.name, [*(dot.box for dot in dots), *map(Box.around, spots)]
        dots.append(Dot(name, x, y, _free(name, x, y, taken), row.candidate.resized, row is recommended))
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


def _free(name: str, x: float, y: float, taken: Sequence[Box]) -> Box:
    """Where the name covers nothing: right or left of its dot, else as near above or below as can be."""
    width, half = _LETTER * len(name), _LINE / 2
    lines = [0.0] + [sign * step * _LINE for step in range(1, 24) for sign in (-1, 1)]
    places = [
        Box(left, y + line - half, left + width, y + line + half)
        for line in lines
        for left in (x + _GAP, x - _GAP - width)
        if left >= LEFT and left + width <= WIDTH and y + line - half >= TOP and y + line + half <= BOTTOM
    ]
    return next((place for place in places if not any(map(place.meets, taken))), places[0])
