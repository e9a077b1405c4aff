"""The report's charts as lines and areas in a unit square; the template draws them.

Every axis runs from 0 to 1, so no library is needed to lay them out; and drawn as SVG they follow the page's
colours, print, and need no script.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import field, frozen
from sklearn.metrics import precision_recall_curve, roc_curve

from lens_core.artifacts.manifest import Thresholds
from lens_core.decision.scores import Numbers
from lens_core.evaluation.answers import Answers
from lens_core.evaluation.judged import Judged
from lens_core.evaluation.metrics import balanced, calibration_curve
from lens_core.evaluation.tuning import LEVELS, MARGINS, Shares

WIDTH, HEIGHT = 372, 250
LEFT, RIGHT, TOP, BOTTOM = 48, 348, 12, 206
_BINS = 25
_MOST_POINTS = 200
_ROWS = 11
"""Of the table that stands beside a chart."""


def across(x: float) -> float:
    """Where 0..1 lies on the drawing, from left to right."""
    return round(LEFT + x * (RIGHT - LEFT), 1)


def down(y: float) -> float:
    """Where 0..1 lies on the drawing, from the bottom up."""
    return round(BOTTOM - y * (BOTTOM - TOP), 1)


@frozen
class Line:
    """One curve; its name is a key of the report's words."""

    name: str
    points: tuple[tuple[float, float], ...]
    marked: tuple[float, float] | None = None
    """Where the model works."""

    @property
    def path(self) -> str:
        return "M" + "L".join(f"{across(x)} {down(y)}" for x, y in self.points)

    @property
    def rows(self) -> list[tuple[float, float]]:
        """Some of its points, for the table."""
        step = max(1, (len(self.points) - 1) / (_ROWS - 1))
        return [self.points[min(round(row * step), len(self.points) - 1)] for row in range(_ROWS)]


@frozen
class Chart:
    """Curves in one square."""

    key: str
    """Of its title, axes and explanation among the report's words."""
    lines: tuple[Line, ...] = ()
    diagonal: bool = False


@frozen
class Distribution:
    """How the scores of one kind of photo lie."""

    name: str
    shares: tuple[float, ...]
    """Of its photos, bin by bin from 0 to 1."""
    accepted: float
    photos: int

    @property
    def path(self) -> str:
        """A stepped area, as high as its highest bin."""
        highest = max(self.shares)
        edges = np.linspace(0, 1, len(self.shares) + 1)
        corners = [
            f"{across(float(x))} {down(share / highest)}"
            for share, left, right in zip(self.shares, edges, edges[1:], strict=False)
            for x in (left, right)
        ]
        return f"M{across(0)} {down(0)}L" + "L".join(corners) + f"L{across(1)} {down(0)}Z"


def distributions(answers: Answers) -> list[Distribution]:
    """Of exhibits, and of each kind of photo to be refused: how far up T could go with the photo accepted."""
    table = answers.judged
    kinds = {"exhibit": table.exhibits, **table.unknown_kinds}
    return [
        Distribution(
            name,
            tuple((np.histogram(answers.reaches[flags], _BINS, (0, 1))[0] / flags.sum()).tolist()),
            float(answers.accepted[flags].mean()),
            int(flags.sum()),
        )
        for name, flags in kinds.items()
        if flags.any()
    ]


def curves(answers: Answers) -> list[Chart]:
    """ROC and precision-recall, one line for each kind of photo to be refused."""
    roc, recall = [], []
    for name, truth, scores in _against_each_kind(answers):
        false, true, _ = roc_curve(truth, scores)
        precision, share, _ = precision_recall_curve(truth, scores)
        roc.append(Line(name, _thinned(false, true)))
        recall.append(Line(name, _thinned(share[::-1], precision[::-1])))
    charts = [Chart("roc", tuple(roc), diagonal=True), Chart("precision_recall", tuple(recall))]
    return [chart for chart in charts if chart.lines]


def trade_off(judged: Judged, thresholds: Thresholds) -> Chart | None:
    """Exhibits answered rightly against what gets through, for every T with the rule's M and D."""
    if not judged.unknown_kinds:
        return None
    shares = _by_level(judged, thresholds.min_top1_margin, thresholds.max_distance)
    point = Answers.of(judged, thresholds)
    right = float(point.right[judged.exhibits].mean())
    lines = [
        Line(kind, _thinned(accepted, shares.right), (float(point.accepted[flags].mean()), right))
        for (kind, accepted), flags in zip(
            shares.accepted.items(), judged.unknown_kinds.values(), strict=True
        )
    ]
    return Chart("trade_off", tuple(lines))


def calibration(judged: Judged) -> Chart:
    """How often a probability is right, against what it claims."""
    bars = calibration_curve(judged.best_right, judged.p_top1, balanced(judged))
    line = Line("calibration", tuple((bar.claimed, bar.right) for bar in bars))
    return Chart("calibration", (line,), diagonal=True)


@frozen
class Surface:
    """Two shares for every T and M, with the rule's D: rows are M, columns T."""

    levels: tuple[float, ...]
    margins: tuple[float, ...]
    right: tuple[tuple[float, ...], ...]
    through: tuple[tuple[float, ...], ...]
    """Of the kind that gets through most."""
    threshold: float
    margin: float
    panels: tuple[str, str] = field(default=("right", "through"), init=False)

    @property
    def row(self) -> int:
        """The row nearest to the rule's M."""
        return int(np.argmin(np.abs(np.array(self.margins) - self.margin)))


def surface(judged: Judged, thresholds: Thresholds) -> Surface | None:
    """None where there is nothing to be refused."""
    if not judged.unknown_kinds:
        return None
    rows = [_by_level(judged, margin, thresholds.max_distance) for margin in MARGINS]
    return Surface(
        tuple(LEVELS.tolist()),
        MARGINS,
        tuple(tuple(row.right.tolist()) for row in rows),
        tuple(tuple(np.max(list(row.accepted.values()), axis=0).tolist()) for row in rows),
        thresholds.threshold,
        thresholds.min_top1_margin,
    )


def _by_level(judged: Judged, margin: float, distance: float) -> Shares:
    return Shares.by_level(judged, Thresholds(0.0, margin, distance))


def _against_each_kind(answers: Answers) -> list[tuple[str, Numbers, Numbers]]:
    exhibits = answers.reaches[answers.judged.exhibits]
    found = []
    for name, flags in answers.judged.unknown_kinds.items():
        unknown = answers.reaches[flags]
        truth = np.repeat([1.0, 0.0], [len(exhibits), len(unknown)])
        found.append((name, truth, np.concatenate([exhibits, unknown])))
    return found


def _thinned(x: Numbers, y: Numbers) -> tuple[tuple[float, float], ...]:
    rows = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_POINTS)).round().astype(int))
    return tuple((float(x[row]), float(y[row])) for row in rows)


def ticks(count: int = 4) -> Sequence[float]:
    """0, 0.25 ... 1."""
    return [row / count for row in range(count + 1)]
