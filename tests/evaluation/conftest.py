"""Tables of questions, written down row by row."""

import numpy as np
import pytest

from lens_core.evaluation.judged import Judged


@pytest.fixture(scope="session")
def table():
    """``table(("ood", "wall.jpg", 0.9, {"shot": 1}), ...)``: kind, photo, p_top1 and what is unusual."""

    def make(*rows):
        columns = []
        for number, (kind, photo, p_top1, unusual) in enumerate(rows):
            item = "x" if kind == "exhibit" else ""
            usual = {
                "kind": kind, "place": "A", "photo": photo, "shot": number, "item": item, "best_item": "x",
                "nearest_item": "x", "p_top1": p_top1, "margin": p_top1, "d_top1": 0.5,
                "score": unusual.get("p_top1", p_top1), "top3_right": kind == "exhibit",
                "average_precision": 1.0,
            }  # fmt: skip
            columns.append(usual | unusual)
        return Judged(**{name: np.array([row[name] for row in columns]) for name in columns[0]})

    return make
