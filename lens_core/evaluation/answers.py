"""What the rule answers to every question, and how that is kept: one line of ``answers.jsonl`` each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from attrs import frozen

from lens_core.artifacts.manifest import Thresholds
from lens_core.decision.rule import Reason, is_near
from lens_core.decision.scores import Numbers
from lens_core.evaluation.asked import Names
from lens_core.evaluation.judged import Flags, Judged, together

Line = dict[str, Any]


@frozen(eq=False)
class Answers:
    """Every array has one entry per question."""

    judged: Judged
    selected: Names
    """The item that is answered; empty for ``recollect``."""
    reason: Names
    """See :class:`lens_core.decision.rule.Reason`."""
    reaches: Numbers
    """What the decision goes by: the largest T at which the photo would still be accepted."""

    @classmethod
    def of(cls, judged: Judged, thresholds: Thresholds) -> Answers:
        """:func:`lens_core.decision.rule.decide`, for all questions at once."""
        passes = judged.margin >= thresholds.min_top1_margin
        classifier = passes & (judged.score >= thresholds.threshold)
        near = np.asarray(is_near(judged.d_top1, thresholds))
        conflict = classifier & near & ~judged.agree
        reason = np.select(
            [conflict, classifier, near],
            [Reason.DISAGREEMENT, Reason.CLASSIFIER, Reason.NEAREST_NEIGHBOUR],
            Reason.NOT_SURE,
        )
        names = np.select([conflict, classifier, near], ["", judged.best_item, judged.nearest_item], "")
        # With a reference photo near enough it is accepted at any T, unless the two opinions conflict.
        by_classifier = np.where(passes, judged.score, 0.0)
        reaches = np.where(near, np.where(conflict, 0.0, 1.0), by_classifier)
        return cls(judged, names, reason, reaches)

    @property
    def accepted(self) -> Flags:
        return np.asarray(self.selected != "")

    @property
    def right(self) -> Flags:
        """Answered, and with the item that the photo shows."""
        return np.asarray(self.accepted & self.judged.exhibits & (self.selected == self.judged.item))

    def only(self, rows: Flags) -> Answers:
        """Those to some of the questions."""
        return Answers(self.judged.only(rows), self.selected[rows], self.reason[rows], self.reaches[rows])

    def lines(self) -> Iterator[Line]:
        """One entry per question: the photo, what it shows, what was answered and why."""
        table = self.judged
        for row in range(len(table.kind)):
            yield {
                "kind": str(table.kind[row]),
                "photo": str(table.photo[row]),
                "shot": int(table.shot[row]),
                "place": str(table.place[row]),
                "item": str(table.item[row]) or None,
                "best_item": str(table.best_item[row]),
                "p_top1": round(float(table.p_top1[row]), 4),
                "margin": round(float(table.margin[row]), 4),
                "nearest_item": str(table.nearest_item[row]),
                "distance": round(float(table.d_top1[row]), 4),
                "score": round(float(table.score[row]), 4),
                "selected_item": str(self.selected[row]) or None,
                "reason": str(self.reason[row]),
            }


def all_of(parts: Sequence[Answers]) -> Answers:
    """Several tables as one."""
    return Answers(
        together([part.judged for part in parts]),
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("selected", "reason", "reaches")
        ),
    )
