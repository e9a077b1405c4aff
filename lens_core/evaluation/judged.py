"""Every question as the rule sees it: one flat table for metrics, tuning and reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from lens_core.artifacts.manifest import Calibration, RejectionScore
from lens_core.contracts import Rows
from lens_core.decision import scores
from lens_core.decision.calibration import probabilities
from lens_core.decision.scores import Numbers
from lens_core.evaluation.asked import EXHIBIT, UNKNOWN, UNKNOWN_KINDS, Asked, Names

Flags = NDArray[np.bool_]


@frozen(eq=False)
class Judged:
    """Every array has one entry per question."""

    kind: Names
    place: Names
    photo: Names
    shot: Rows
    item: Names
    """What the photo shows; empty where it shows none of the place's items."""
    best_item: Names
    nearest_item: Names
    p_top1: Numbers
    margin: Numbers
    d_top1: Numbers
    score: Numbers
    """What T is compared with."""
    top3_right: Flags
    average_precision: Numbers
    signals: Mapping[str, Numbers] = field(factory=dict)
    """What rejection can go by; see :mod:`lens_core.decision.scores`."""

    @property
    def exhibits(self) -> Flags:
        return np.asarray(self.kind == EXHIBIT)

    @property
    def unknown_kinds(self) -> dict[str, Flags]:
        """Each kind of unknown that there is, and which questions are of it."""
        return {kind: flags for kind in UNKNOWN_KINDS if (flags := self.kind == kind).any()}

    @property
    def agree(self) -> Flags:
        """Classifier and nearest neighbour name the same item."""
        return np.asarray(self.best_item == self.nearest_item)

    @property
    def best_right(self) -> Flags:
        return np.asarray(self.exhibits & (self.best_item == self.item))

    @property
    def nearest_right(self) -> Flags:
        return np.asarray(self.exhibits & (self.nearest_item == self.item))

    def only(self, rows: Flags | Rows) -> Judged:
        """Some of the questions."""
        columns = {
            column.name: getattr(self, column.name)[rows]
            for column in attrs.fields(Judged)
            if column.name != "signals"
        }
        return Judged(**columns, signals={name: values[rows] for name, values in self.signals.items()})

    def scored_by(self, score: RejectionScore | None) -> Judged:
        """The same questions, with T compared with another score; None: ``p_top1``."""
        return attrs.evolve(self, score=scores.apply(score, self.signals) if score else self.p_top1)


def judge(asked: Sequence[Asked], calibration: Calibration, score: RejectionScore | None = None) -> Judged:
    """Apply a calibration and line up the evidence of every question."""
    tables = [_judge_one(part, calibration) for part in asked if len(part.questions.photos)]
    return together(tables).scored_by(score)


def together(tables: Sequence[Judged]) -> Judged:
    """Several tables as one."""
    columns = {
        column.name: np.concatenate([getattr(table, column.name) for table in tables])
        for column in attrs.fields(Judged)
        if column.name != "signals"
    }
    signals = {name: np.concatenate([table.signals[name] for table in tables]) for name in tables[0].signals}
    return Judged(**columns, signals=signals)


def _judge_one(part: Asked, calibration: Calibration) -> Judged:
    probs = probabilities(part.cosines, calibration)
    signals = scores.from_probabilities(probs, part.cosines, calibration)
    signals |= scores.from_neighbours(part.neighbours)
    signals["mahalanobis"] = part.mahalanobis.astype(np.float64)
    order = np.argsort(-probs, axis=1, kind="stable")
    items, truth, asked = np.array(part.items), part.truth, part.questions
    p_top1 = probs.max(axis=1).astype(np.float64)
    return Judged(
        kind=np.full(len(truth), asked.kind),
        place=np.full(len(truth), part.place),
        photo=asked.photos,
        shot=asked.shots,
        item=np.where(truth == UNKNOWN, "", asked.items),
        best_item=items[order[:, 0]],
        nearest_item=items[part.nearest],
        p_top1=p_top1,
        margin=signals["margin"],
        d_top1=part.distances.astype(np.float64),
        score=p_top1,
        top3_right=(truth != UNKNOWN) & (order[:, :3] == truth[:, None]).any(axis=1),
        average_precision=part.average_precision.astype(np.float64),
        signals=signals,
    )
