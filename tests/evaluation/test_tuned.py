"""T, M and D chosen together: what is promised is kept, what cannot be promised is refused."""

import re

import numpy as np
import pytest

from lens_core.artifacts.manifest import Thresholds
from lens_core.errors import CannotPromiseError, NotEnoughPhotosError
from lens_core.evaluation.answers import Answers
from lens_core.evaluation.asked import EXHIBIT, PlaceModel, Questions
from lens_core.evaluation.guarantee import at_most
from lens_core.evaluation.scoring import CHOICES, best_score, compare_scores, fit_score
from lens_core.evaluation.tuned import path, prepare, tune

DIM = 8


@pytest.fixture(scope="module")
def asked():
    """``asked(exhibit=60, ood=80, ...)``: photos of three items, and others that look a little like them."""
    random = np.random.default_rng(0)
    items = ["jar", "cup", "bowl"]
    centres = np.eye(3, DIM)

    def photos(count, spread, near):
        rows = centres[random.integers(0, 3, count)] * near + random.normal(0, spread, (count, DIM))
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    def make(**counts):
        gallery = np.concatenate(
            [centres[[number]] + random.normal(0, 0.1, (10, DIM)) for number in range(3)]
        )
        gallery = (gallery / np.linalg.norm(gallery, axis=1, keepdims=True)).astype(np.float32)
        model = PlaceModel.of("A", gallery, [item for item in items for _ in range(10)])
        parts, first = [], 0
        for kind, count in counts.items():
            embeddings = photos(count, 0.25, 1.0) if kind == EXHIBIT else photos(count, 0.5, 0.4)
            shown = np.array(items)[(embeddings[:, :3]).argmax(axis=1)]
            names = np.array([f"{kind} {number}" for number in range(count)])
            truth = shown if kind == EXHIBIT else np.full(count, "")
            parts.append(
                model.ask(Questions(kind, names, np.arange(first, first + count), truth), embeddings)
            )
            first += count
        return parts

    return make


def test_the_promise_holds_on_the_photos_that_test_it(asked):
    material = prepare(asked(exhibit=150, other_place=150, ood=200), "softmax", cost=1.0, seed=0)
    found = tune(material, 0.05, 0.95)
    assert found.chosen.promise == 0.05
    answers = Answers.of(material.judged, found.chosen.thresholds)
    ood = answers.accepted[material.judged.kind == "ood"]
    assert at_most(int(ood.sum()), 200, 0.95) == found.chosen.bounds["ood"].at_most <= 0.05
    assert found.chosen.point.accepted_right > 0.3


def test_a_looser_promise_answers_no_fewer_visitors(asked):
    material = prepare(asked(exhibit=150, other_place=150, ood=700), "softmax", cost=0.0, seed=0)
    right = [one.point.accepted_right for one in tune(material, None, 0.95).candidates[1:]]
    assert len(right) == 6
    assert right == sorted(right)
    assert right[0] < right[-1]


def test_the_photos_that_test_had_no_say_in_the_calibration_the_score_or_the_path(asked):
    parts = asked(exhibit=100, other_place=100, ood=120)
    before = prepare(parts, "combination", cost=1.0, seed=0)
    fewer = [
        part.only(np.arange(len(part.truth)) % 2 == 0) if part.questions.kind == "ood" else part
        for part in parts
    ]
    after = prepare(fewer, "combination", cost=1.0, seed=0)
    assert after.calibration == before.calibration
    assert after.score == before.score
    assert path(after, "right") == path(before, "right")


def test_without_given_photos_some_of_those_every_museum_has_choose_and_the_others_test(asked):
    material = prepare(asked(exhibit=120, look_alike=120, other_place=120), "softmax", cost=1.0, seed=0)
    assert set(material.tested) == {"look_alike", "other_place"}
    testing = {shot for rows in material.tested.values() for shot in material.judged.shot[rows].tolist()}
    assert testing
    assert not testing & set(material.pilot.shot.tolist())


def test_the_path_goes_from_nothing_accepted_to_more_and_more(asked):
    material = prepare(asked(exhibit=150, other_place=150, ood=200), "softmax", cost=1.0, seed=0)
    tried = path(material, "right")
    through = [Answers.of(material.pilot, one).accepted[~material.pilot.exhibits].mean() for one in tried]
    assert tried[0].threshold == 1.0
    assert through[0] == 0
    assert through == sorted(through)
    assert len(tried) > 5


@pytest.mark.parametrize(("shots", "rate", "can"), [(100, 0.01, "3.0%"), (58, 0.05, "5.1%")])
def test_what_so_few_photos_cannot_support_is_refused_with_what_they_can(asked, shots, rate, can):
    material = prepare(asked(exhibit=60, other_place=60, ood=shots), "softmax", cost=1.0, seed=0)
    with pytest.raises(CannotPromiseError) as refused:
        tune(material, rate, 0.95)
    assert refused.value.code == "E330"
    assert f"{shots} photos (ood; near-duplicates count once)" in str(refused.value)
    assert f"They can support {can}" in str(refused.value)
    promise = float(re.search(r"--max-false-accept ([\d.]+\d)", str(refused.value))[1])
    assert tune(material, promise, 0.95).chosen.bounds["ood"].at_most <= promise


def test_299_photos_of_which_none_gets_through_support_one_percent(asked):
    material = prepare(asked(exhibit=100, other_place=100, ood=299), "softmax", cost=0.0, seed=0)
    found = tune(material, 0.01, 0.95).chosen
    assert found.bounds["ood"].accepted == 0
    assert found.bounds["ood"].at_most <= 0.01
    assert found.point.accepted_right > 0


def test_photos_of_exhibits_alone_are_not_enough(asked):
    with pytest.raises(NotEnoughPhotosError):
        prepare(asked(exhibit=50), "softmax", cost=1.0, seed=0)


def test_every_score_is_compared_and_the_best_is_taken_only_if_it_is_worth_it(asked):
    material = prepare(asked(exhibit=150, other_place=150), "softmax", cost=1.0, seed=0)
    compared = compare_scores(material.pilot)
    assert list(compared) == list(CHOICES)
    assert all(0.5 < aurocs["other_place"] <= 1 for aurocs in compared.values())
    low = {name: {"ood": 0.9} for name in CHOICES}
    assert best_score(low | {"knn": {"ood": 0.904}}, worth=0.005) == "softmax"
    assert best_score(low | {"knn": {"ood": 0.906}}, worth=0.005) == "knn"


@pytest.mark.parametrize("name", CHOICES)
def test_a_fitted_score_is_a_probability_that_ranks_as_its_signal_does(asked, name):
    material = prepare(asked(exhibit=150, other_place=150, ood=200), name, cost=1.0, seed=0)
    judged, score = material.judged, material.score
    if name == "softmax":
        assert score is None
        assert judged.score.tolist() == judged.p_top1.tolist()
        return
    assert (judged.score >= 0).all()
    assert (judged.score <= 1).all()
    assert judged.score[judged.exhibits].mean() > 0.5 > judged.score[~judged.exhibits].mean()
    if name != "combination":
        order = np.argsort(judged.signals[name], kind="stable")
        assert (np.diff(judged.score[order]) >= 0).all()
    assert fit_score(material.pilot, name) == score


def test_the_triple_that_ranks_best_is_found_when_asked_for(asked):
    material = prepare(asked(exhibit=150, other_place=150, ood=200), "softmax", cost=1.0, seed=0)
    shapes = {(one.min_top1_margin, one.max_distance) for one in path(material, "auroc")[1:]}
    assert len(shapes) == 1
    assert isinstance(tune(material, None, 0.95, "auroc").chosen.thresholds, Thresholds)
