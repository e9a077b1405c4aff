"""Questions and their answers, written down row by row."""

import numpy as np
import pytest

from lens_core.evaluation.asked import EXHIBIT, UNKNOWN, Asked, Questions
from lens_core.evaluation.judged import Judged


@pytest.fixture(scope="session")
def table():
    """``table(("ood", "wall.jpg", 0.9, {"shot": 1}), ...)``: kind, photo, p_top1 and what is unusual."""

    def make(*rows):
        columns = []
        for number, (kind, photo, p_top1, unusual) in enumerate(rows):
            item = "x" if kind == EXHIBIT else ""
            usual = {
                "kind": kind, "place": "A", "photo": photo, "shot": number, "item": item, "best_item": "x",
                "nearest_item": "x", "p_top1": p_top1, "margin": p_top1, "d_top1": 0.5,
                "score": unusual.get("p_top1", p_top1), "top3_right": kind == EXHIBIT,
                "average_precision": 1.0,
            }  # fmt: skip
            columns.append(usual | unusual)
        return Judged(**{name: np.array([row[name] for row in columns]) for name in columns[0]})

    return make


@pytest.fixture(scope="session")
def asked():
    """``asked("exhibit", cosines, truth=[0, 2], nearest=[0, 1])``: photos asked in a place of K items."""

    def make(kind, cosines, truth, nearest, distances=None, first_shot=0):
        cosines = np.array(cosines, np.float32)
        count, items = len(truth), tuple(f"item {number}" for number in range(cosines.shape[1]))
        shown = [items[number] if number != UNKNOWN else "" for number in truth]
        distances = np.array(distances if distances is not None else [0.3] * count, np.float32)
        return Asked(
            "A",
            items,
            Questions(
                kind,
                np.array([f"{kind} {number}" for number in range(count)], str),
                np.arange(first_shot, first_shot + count),
                np.array(shown, str),
            ),
            cosines,
            distances,
            np.array(nearest, np.int64),
            (1 - distances)[:, None],
            np.zeros(count, np.float32),
            np.full(count, np.nan, np.float32),
        )

    return make
