"""Questions are judged as a visitor would meet them."""

import numpy as np
import pytest

from lens_core.artifacts.manifest import Calibration
from lens_core.evaluation.asked import UNKNOWN
from lens_core.evaluation.judged import judge

CALIBRATION = Calibration(scale=10.0, none=0.5)


def test_each_photo_is_judged_by_hand(asked):
    judged = judge(
        [
            asked(
                "exhibit",
                [[0.9, 0.1, 0.0, -0.2], [0.2, 0.8, 0.7, 0.6], [0.9, 0.8, 0.7, 0.1]],
                truth=[0, 2, 3],
                nearest=[0, 2, 0],
                distances=[0.1, 0.2, 0.3],
            ),
            asked("ood", [[0.3, 0.2, 0.1, 0.0]], truth=[UNKNOWN], nearest=[1], distances=[0.9]),
        ],
        CALIBRATION,
    )
    assert judged.kind.tolist() == ["exhibit", "exhibit", "exhibit", "ood"]
    assert judged.best_right.tolist() == [True, False, False, False]
    assert judged.top3_right.tolist() == [True, True, False, False]
    assert judged.nearest_right.tolist() == [True, True, False, False]
    assert judged.agree.tolist() == [True, False, True, False]
    assert judged.d_top1.tolist() == pytest.approx([0.1, 0.2, 0.3, 0.9])
    odds = np.exp(10 * (np.array([0.9, 0.1, 0.0, -0.2]) - 0.5))
    assert judged.p_top1[0] == pytest.approx(odds[0] / (1 + odds.sum()), rel=1e-4)
    assert judged.margin[0] == pytest.approx((odds[0] - odds[1]) / (1 + odds.sum()), rel=1e-4)


def test_places_of_different_sizes_are_lined_up(asked):
    judged = judge(
        [
            asked("exhibit", [[0.9]], truth=[0], nearest=[0]),
            asked("other_place", [[0.1, 0.2]], truth=[UNKNOWN], nearest=[0]),
            asked("ood", np.empty((0, 2)), truth=[], nearest=[]),
        ],
        CALIBRATION,
    )
    assert judged.exhibits.tolist() == [True, False]
    assert {kind: flags.tolist() for kind, flags in judged.unknown_kinds.items()} == {
        "other_place": [False, True]
    }


def test_the_only_item_of_a_place_leads_by_its_whole_probability(asked):
    judged = judge([asked("exhibit", [[0.7]], truth=[0], nearest=[0])], CALIBRATION)
    assert judged.margin[0] == judged.p_top1[0]


def test_an_unknown_photo_is_never_right(asked):
    judged = judge([asked("look_alike", [[0.9, 0.1]] * 3, [UNKNOWN] * 3, [0, 1, 0])], CALIBRATION)
    assert not (judged.best_right | judged.top3_right | judged.nearest_right).any()
