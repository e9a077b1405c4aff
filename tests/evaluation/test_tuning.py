"""Thresholds: measured exactly as they will decide, and chosen to serve visitors best."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lens_core.artifacts.manifest import Calibration, Thresholds
from lens_core.decision.calibration import probabilities
from lens_core.decision.rule import Evidence, decide
from lens_core.evaluation.answers import Answers
from lens_core.evaluation.asked import UNKNOWN
from lens_core.evaluation.calibrating import fit_calibration
from lens_core.evaluation.judged import Judged, judge
from lens_core.evaluation.tuning import operating_point, tune_thresholds

GRID = [0.0, 0.1, 0.3, 0.5, 0.62, 0.9, 1.0]  # coarse, so that photos lie exactly on thresholds too


def judged(rows):
    """From rows of (kind, p_top1, margin, d_top1, best, nearest, truth)."""
    kind, p, margin, d, best, nearest, truth = (np.array(column) for column in zip(*rows, strict=True))
    names = np.array(["0", "1", "2", ""])  # truth UNKNOWN is -1, the last
    count = np.arange(len(rows))
    return Judged(
        kind=kind, place=np.full(len(rows), "A"), photo=count.astype(str), shot=count, item=names[truth],
        best_item=names[best], nearest_item=names[nearest], p_top1=p, margin=margin, d_top1=d, score=p,
        top3_right=best == truth, average_precision=p,
    )  # fmt: skip


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["exhibit", "look_alike", "ood"]),
        st.sampled_from(GRID),
        st.sampled_from(GRID),
        st.sampled_from(GRID),
        st.integers(0, 2),
        st.integers(0, 2),
        st.integers(0, 2),
    ).map(lambda row: row if row[0] == "exhibit" else (*row[:6], UNKNOWN)),
    min_size=1,
    max_size=20,
)
THRESHOLDS = st.builds(Thresholds, *[st.sampled_from(GRID)] * 3)


@settings(max_examples=300)
@given(ROWS, THRESHOLDS)
def test_what_is_measured_is_what_the_rule_decides(rows, thresholds):
    found = Answers.of(judged(rows), thresholds)
    verdicts = [
        decide(Evidence(str(best), p, margin, str(nearest), d), thresholds)
        for _, p, margin, d, best, nearest, _ in rows
    ]
    assert found.accepted.tolist() == [verdict.item is not None for verdict in verdicts]
    assert found.right.tolist() == [v.item == str(row[-1]) for v, row in zip(verdicts, rows, strict=True)]
    assert found.reason.tolist() == [str(verdict.reason) for verdict in verdicts]
    assert [name or None for name in found.selected.tolist()] == [verdict.item for verdict in verdicts]


def test_the_operating_point_by_hand():
    point = operating_point(
        judged(
            [
                ("exhibit", 0.9, 0.8, 0.9, 0, 0, 0),  # accepted, right
                ("exhibit", 0.9, 0.8, 0.9, 1, 0, 0),  # accepted, wrong
                ("exhibit", 0.2, 0.1, 0.1, 1, 0, 0),  # accepted by its neighbour, right
                ("exhibit", 0.2, 0.1, 0.9, 0, 0, 0),  # not sure
                ("exhibit", 0.9, 0.8, 0.1, 0, 1, 0),  # disagreement
                ("look_alike", 0.9, 0.8, 0.9, 0, 0, UNKNOWN),  # falsely accepted
                ("look_alike", 0.3, 0.2, 0.9, 0, 0, UNKNOWN),
                ("ood", 0.1, 0.0, 1.0, 0, 0, UNKNOWN),
            ]
        ),
        Thresholds(0.62, 0.12, 0.2),
    )
    assert (point.accepted_right, point.accepted_wrong) == (2 / 5, 1 / 5)
    assert point.false_accepts == {"look_alike": 0.5, "ood": 0.0}
    assert point.photos == {"exhibit": 5, "look_alike": 2, "ood": 1}


def gain(rows, thresholds, cost=1.0):
    point = operating_point(rows, thresholds)
    return point.accepted_right - point.accepted_wrong - cost * max(point.false_accepts.values())


def crowd(random, exhibits, unknown):
    """Photos whose probability is drawn from two ranges; nearest photos are right but say little."""
    rows = [("exhibit", p, p, 0.5, 0, 0, 0) for p in random.uniform(*exhibits, 60)]
    return judged([*rows, *(("ood", p, p, 0.5, 0, 0, UNKNOWN) for p in random.uniform(*unknown, 60))])


def test_exhibits_and_unknowns_that_can_be_told_apart_are():
    photos = crowd(np.random.default_rng(0), exhibits=(0.6, 1.0), unknown=(0.0, 0.5))
    point = operating_point(photos, tune_thresholds(photos, 1.0))
    assert point.accepted_right == 1.0
    assert point.false_accepts == {"ood": 0.0}


def test_the_tuned_thresholds_serve_better_than_the_defaults_and_than_any_plain_one():
    photos = crowd(np.random.default_rng(1), exhibits=(0.2, 0.9), unknown=(0.0, 0.6))
    tuned = gain(photos, tune_thresholds(photos, 1.0))
    assert tuned > gain(photos, Thresholds(0.62, 0.12, 0.65))
    tried = [gain(photos, Thresholds(level, 0.0, 0.0)) for level in np.linspace(0, 1, 101)]
    assert tuned >= max(tried) - 0.03  # 40 levels are tried, at the exhibits' own probabilities


def test_the_dearer_a_false_accept_the_fewer_there_are():
    photos = crowd(np.random.default_rng(2), exhibits=(0.2, 0.9), unknown=(0.0, 0.7))
    shares = [
        operating_point(photos, tune_thresholds(photos, cost)).false_accepts["ood"]
        for cost in (0.1, 1.0, 10.0)
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[2]


def test_the_nearest_photo_is_listened_to_only_where_it_helps():
    random = np.random.default_rng(3)
    useless = crowd(random, exhibits=(0.6, 1.0), unknown=(0.0, 0.5))
    assert tune_thresholds(useless, 1.0).max_distance == 0.0
    rows = [("exhibit", p, p, 0.1, 0, 0, 0) for p in random.uniform(0, 1, 60)]
    rows += [("ood", p, p, 0.9, 0, 0, UNKNOWN) for p in random.uniform(0, 1, 60)]
    helpful = judged(rows)
    point = operating_point(helpful, tune_thresholds(helpful, 1.0))
    assert tune_thresholds(helpful, 1.0).max_distance >= 0.1
    assert (point.accepted_right, point.false_accepts["ood"]) == (1.0, 0.0)


@pytest.mark.parametrize(("photos", "asked"), [(25, False), (2500, True)])
def test_few_photos_do_not_show_that_the_nearest_one_helps(photos, asked):
    """The classifier recognises 24 of 25, the nearest photo all of them."""
    rows = [("exhibit", 0.9 if row % 25 else 0.1, 0.1, 0.1, 0, 0, 0) for row in range(photos)]
    rows += [("ood", 0.3, 0.1, 0.9, 0, 0, UNKNOWN)] * photos
    assert (tune_thresholds(judged(rows), 1.0).max_distance > 0) == asked


# --- calibration


@pytest.fixture
def answers(asked):
    """``answers(random, kind, count, of_truth, of_others)``: photos whose cosines are drawn."""

    def make(random, kind, count, of_truth, of_others, spread=0.1):
        cosines = random.normal(of_others, spread, (count, 4)).clip(-1, 1)
        truth = random.integers(0, 4, count)
        if kind == "exhibit":
            cosines[np.arange(count), truth] = random.normal(of_truth, spread, count).clip(-1, 1)
        else:
            truth = np.full(count, UNKNOWN)
        return asked(kind, cosines, truth, cosines.argmax(axis=1), 1 - cosines.max(axis=1))

    return make


def log_loss(parts, calibration):
    losses = []
    for part in parts:
        probs = probabilities(part.cosines, calibration).astype(np.float64)
        shown = part.truth != UNKNOWN
        likelihood = np.where(shown, probs[np.arange(len(probs)), part.truth], 1 - probs.sum(axis=1))
        losses.append(-np.log(likelihood.clip(1e-9)).mean())
    return sum(losses)


def test_no_calibration_nearby_surprises_less(answers):
    random = np.random.default_rng(4)
    parts = [answers(random, kind, 400, 0.6, 0.2, spread=0.17) for kind in ("exhibit", "ood")]
    found = fit_calibration(parts)
    least = log_loss(parts, found)
    for scale, none in ((0.8, 0), (1.2, 0), (1, -0.06), (1, 0.06)):
        assert log_loss(parts, Calibration(found.scale * scale, found.none + none)) > least


def test_probabilities_mean_what_they_say_on_new_photos(answers):
    random = np.random.default_rng(5)
    old, new = (
        [answers(random, "exhibit", 3000, 0.45, 0.2), answers(random, "ood", 3000, 0, 0.2)] for _ in range(2)
    )
    photos = judge(new, fit_calibration(old))
    for low in (0.3, 0.5, 0.7):
        chosen = (photos.p_top1 >= low) & (photos.p_top1 < low + 0.2)
        assert photos.best_right[chosen].mean() == pytest.approx(photos.p_top1[chosen].mean(), abs=0.06)


def test_exhibits_that_can_be_told_apart_perfectly_still_give_numbers(answers):
    random = np.random.default_rng(6)
    parts = [answers(random, "exhibit", 40, 0.95, -0.5), answers(random, "ood", 40, 0, -0.5)]
    photos = judge(parts, fit_calibration(parts))
    assert np.isfinite(photos.p_top1).all()
    assert photos.p_top1[photos.exhibits].min() > 0.9
    assert photos.p_top1[~photos.exhibits].max() < 0.1
