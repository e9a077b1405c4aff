"""A promise holds for photos nobody has seen: checked against textbooks and by drawing museums."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from lens_core.artifacts.manifest import Thresholds
from lens_core.evaluation.answers import Answers
from lens_core.evaluation.guarantee import at_most, bounds, shots_needed, trials


@pytest.mark.parametrize(("rate", "needed"), [(0.01, 299), (0.05, 59), (0.1, 29), (0.5, 5)])
def test_so_many_photos_are_needed_even_if_none_is_accepted(rate, needed):
    assert shots_needed(rate, 0.95) == needed
    assert at_most(0, needed, 0.95) <= rate < at_most(0, needed - 1, 0.95)


@pytest.mark.parametrize(("accepted", "shots"), [(0, 10), (1, 10), (7, 100), (50, 60), (10, 10)])
def test_the_bound_is_that_of_clopper_and_pearson(accepted, shots):
    exact = binomtest(accepted, shots, alternative="less").proportion_ci(0.95, method="exact")
    assert at_most(accepted, shots, 0.95) == pytest.approx(exact.high)


@pytest.mark.parametrize("truth", [0.01, 0.05, 0.3])
def test_the_truth_lies_above_the_bound_in_no_more_than_one_of_twenty_cases(truth):
    shots = 80
    accepted = np.arange(shots + 1)
    above = np.array([at_most(int(count), shots, 0.95) < truth for count in accepted])
    assert binom.pmf(accepted, shots, truth)[above].sum() <= 0.05


def test_one_question_of_each_shot_is_a_trial(table):
    judged = table(
        ("ood", "wall", 0.9, {"shot": 1, "place": "A"}),
        ("ood", "wall", 0.8, {"shot": 1, "place": "B"}),
        ("ood", "wall copy", 0.8, {"shot": 1, "place": "A"}),
        ("ood", "floor", 0.1, {"shot": 2, "place": "B"}),
        ("other_place", "jar", 0.1, {"shot": 3}),
    )
    rows = trials(judged, "ood", seed=0)
    assert judged.shot[rows].tolist() == [1, 2] or judged.shot[rows].tolist() == [2, 1]
    assert set(judged.photo[rows]) <= {"wall", "wall copy", "floor"}
    drawn = {judged.place[trials(judged, "ood", seed)[0]] for seed in range(20)}
    assert drawn == {"A", "B"}, "which of its places counts is left to chance"


def test_the_bounds_count_what_is_accepted(table):
    judged = table(*(("ood", f"wall {n}", p, {"shot": n}) for n, p in enumerate([0.9, 0.7, 0.2, 0.1])))
    answers = Answers.of(judged, Thresholds(0.62, 0.0, 0.0))
    found = bounds(answers, {"ood": trials(judged, "ood", 0)}, 0.95)["ood"]
    assert (found.shots, found.accepted) == (4, 2)
    assert found.at_most == at_most(2, 4, 0.95)
