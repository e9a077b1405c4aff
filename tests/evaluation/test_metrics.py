"""Figures: checked against counting by hand, another use of scikit-learn, and torchmetrics."""

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score
from torchmetrics.functional.classification import (
    binary_auroc,
    binary_average_precision,
    binary_calibration_error,
)

from lens_core.artifacts.manifest import Thresholds
from lens_core.evaluation.answers import Answers
from lens_core.evaluation.metrics import (
    auroc,
    balanced,
    calibration_curve,
    calibration_error,
    figures,
    rejection,
)

THRESHOLDS = Thresholds(0.62, 0.12, 0.2)


@pytest.fixture
def answers(table):
    """40 exhibits, of which 30 come first and 36 among the first three; 20 look-alikes."""
    random = np.random.default_rng(0)
    exhibits = [
        (
            "exhibit",
            f"{row}.jpg",
            float(random.uniform(0.3, 1)),
            {
                "best_item": "x" if row < 30 else "y",
                "nearest_item": "x" if row < 30 else "y",
                "top3_right": row < 36,
                "d_top1": 0.9,
                "average_precision": row / 40,
            },
        )
        for row in range(40)
    ]
    unknown = [
        ("look_alike", f"u{row}.jpg", float(random.uniform(0, 0.6)), {"d_top1": 0.9}) for row in range(20)
    ]
    return Answers.of(table(*exhibits, *unknown), THRESHOLDS)


def test_shares_are_counted(answers):
    found = figures(answers, seed=42)
    assert found["photos"] == 40
    assert (found["top1"]["value"], found["top3"]["value"]) == (0.75, 0.9)
    assert found["map"]["value"] == pytest.approx(np.mean(np.arange(40) / 40), abs=1e-4)
    right = sum(p >= 0.62 for p in answers.judged.p_top1[:30]) / 40
    wrong = sum(p >= 0.62 for p in answers.judged.p_top1[30:40]) / 40
    assert found["answered_right"]["value"] == pytest.approx(right, abs=1e-4)
    assert found["answered_wrong"]["value"] == pytest.approx(wrong, abs=1e-4)
    assert found["retaken"]["value"] == pytest.approx(1 - right - wrong, abs=1e-4)
    assert found["unknown"]["look_alike"]["accepted"]["value"] == 0


def test_the_interval_of_a_share_is_that_of_the_binomial_distribution(answers):
    top1 = figures(answers, seed=42)["top1"]
    half = 1.96 * np.sqrt(0.75 * 0.25 / 40)
    assert top1["low"] == pytest.approx(0.75 - half, abs=0.03)
    assert top1["high"] == pytest.approx(0.75 + half, abs=0.03)


def test_the_same_seed_gives_the_same_intervals(answers):
    assert figures(answers, seed=1) == figures(answers, seed=1)
    assert figures(answers, seed=1) != figures(answers, seed=2)


def test_every_figure_lies_in_its_interval(answers):
    found = figures(answers, seed=42)
    shown = [one for one in found.values() if isinstance(one, dict) and "value" in one]
    shown += [one for one in found["unknown"]["look_alike"].values() if isinstance(one, dict)]
    assert len(shown) == 12
    for one in shown:
        # The calibration error of resamples is larger than that of the photos: both have noise.
        assert one["low"] <= one["value"] <= one["high"] or one is found["calibration_error"]


def test_without_photos_to_be_refused_the_rest_is_measured(answers):
    found = figures(answers.only(answers.judged.exhibits), seed=42)
    assert found["unknown"] == {}
    assert found["top1"]["value"] == 0.75


# --- rejection

COARSE = st.integers(0, 6).map(lambda number: number / 6)  # many ties
SCORES = st.lists(COARSE, min_size=1, max_size=25)


def together(exhibits, unknown):
    truth = np.repeat([1, 0], [len(exhibits), len(unknown)])
    return truth, np.array([*exhibits, *unknown])


def rejection_of(truth, scores, weights=None):
    """Of photos that all count alike, or as told."""
    weights = np.ones(len(truth)) if weights is None else weights
    return {name: float(value) for name, (value,) in rejection(truth, scores, weights[None]).items()}


@given(SCORES, SCORES)
def test_areas_agree_with_torchmetrics_also_with_ties(exhibits, unknown):
    truth, scores = together(exhibits, unknown)
    found = rejection_of(truth, scores)
    # torchmetrics takes logits for scores outside 0..1; these are inside.
    ours, theirs = torch.tensor(scores, dtype=torch.float64), torch.tensor(truth)
    assert found["auroc"] == pytest.approx(float(binary_auroc(ours, theirs)), abs=1e-6)
    assert found["aupr"] == pytest.approx(float(binary_average_precision(ours, theirs)), abs=1e-6)


@given(SCORES, SCORES)
def test_the_auroc_is_the_share_of_pairs_in_the_right_order(exhibits, unknown):
    pairs = [(a > b) + 0.5 * (a == b) for a in exhibits for b in unknown]
    truth, scores = together(exhibits, unknown)
    assert rejection_of(truth, scores)["auroc"] == pytest.approx(np.mean(pairs))
    assert auroc(np.array(exhibits), np.array(unknown)) == pytest.approx(np.mean(pairs))


@given(SCORES, SCORES)
def test_fpr95_is_the_least_share_let_in_by_a_threshold_that_accepts_95_of_100_exhibits(exhibits, unknown):
    truth, scores = together(exhibits, unknown)
    exhibits, unknown = np.array(exhibits), np.array(unknown)
    good = [(unknown >= level).mean() for level in scores if (exhibits >= level).mean() >= 0.95 - 1e-12]
    assert rejection_of(truth, scores)["fpr95"] == pytest.approx(min(good))


@given(SCORES, SCORES)
def test_at_the_equal_error_rate_no_threshold_makes_both_errors_smaller_nor_both_larger(exhibits, unknown):
    truth, scores = together(exhibits, unknown)
    rate = rejection_of(truth, scores)["eer"]
    exhibits, unknown = np.array(exhibits), np.array(unknown)
    levels = [*sorted(set(scores)), np.inf]
    errors = [((exhibits < level).mean(), (unknown >= level).mean()) for level in levels]
    assert min(max(pair) for pair in errors) >= rate - 1e-9
    assert max(min(pair) for pair in errors) <= rate + 1e-9


def test_the_equal_error_rate_by_hand():
    # At 0.5: one of four exhibits is refused, one of four unknown photos gets in.
    truth, scores = together([0.9, 0.8, 0.6, 0.2], [0.7, 0.4, 0.3, 0.1])
    assert rejection_of(truth, scores)["eer"] == pytest.approx(0.25)
    assert rejection_of(*together([0.9, 0.8], [0.2, 0.1]))["eer"] == 0
    assert rejection_of(*together([0.5, 0.5], [0.5, 0.5]))["eer"] == 0.5


@given(SCORES, SCORES)
def test_weights_count_as_copies_do(exhibits, unknown):
    truth, scores = together(exhibits, unknown)
    copies = np.arange(len(scores)) % 3 + 1
    once = rejection_of(truth, scores, copies.astype(float))
    copied = rejection_of(np.repeat(truth, copies), np.repeat(scores, copies))
    assert once == pytest.approx(copied)


@given(SCORES, SCORES)
def test_many_weightings_at_once_give_what_scikit_learn_gives_for_each(exhibits, unknown):
    truth, scores = together(exhibits, unknown)
    weights = np.random.default_rng(len(scores)).integers(0, 4, (5, len(scores))).astype(float)
    weights[:, [0, -1]] += 1  # of exhibits and of unknown photos, one at least
    found = rejection(truth, scores, weights)
    for row, own in enumerate(weights):
        assert found["auroc"][row] == pytest.approx(roc_auc_score(truth, scores, sample_weight=own))
        assert found["aupr"][row] == pytest.approx(average_precision_score(truth, scores, sample_weight=own))


def test_the_area_under_a_precision_recall_curve_without_ties_is_near_its_trapezoids():
    random = np.random.default_rng(0)
    truth, scores = together(random.normal(1, 1, 500), random.normal(0, 1, 500))
    precision, recall, _ = precision_recall_curve(truth, scores)
    assert rejection_of(truth, scores)["aupr"] == pytest.approx(auc(recall, precision), abs=0.005)
    assert rejection_of(truth, scores)["auroc"] == pytest.approx(roc_auc_score(truth, scores))


# --- what the decision goes by

SHARES = st.floats(0, 1)
PHOTOS = st.lists(st.tuples(SHARES, SHARES, st.floats(0, 2), st.booleans()), min_size=1, max_size=20)


@given(PHOTOS, st.builds(Thresholds, st.floats(0.01, 1), SHARES, st.floats(0, 2)))
def test_what_the_decision_goes_by_reaches_t_exactly_for_photos_that_are_accepted(table, photos, thresholds):
    rows = [
        ("exhibit", "x.jpg", p, {"margin": margin, "d_top1": d, "nearest_item": "x" if agree else "y"})
        for p, margin, d, agree in photos
    ]
    found = Answers.of(table(*rows), thresholds)
    assert (found.reaches >= thresholds.threshold).tolist() == found.accepted.tolist()


# --- calibration


# torchmetrics' edges between bins are float32 and exactly 1 has a bin of its own: no share lies on an edge.
INSIDE_A_BIN = SHARES.filter(lambda share: abs(share * 10 - round(share * 10)) > 1e-5)


@given(st.lists(st.tuples(INSIDE_A_BIN, st.booleans()), min_size=1, max_size=60))
@example([(0.25, False), (0.35, True), (0.35, False)])
def test_the_calibration_error_agrees_with_torchmetrics(photos):
    claimed, right = (np.array(column) for column in zip(*photos, strict=True))
    ours = calibration_error(right.astype(bool), claimed, np.ones(len(claimed)))
    theirs = binary_calibration_error(
        torch.tensor(claimed, dtype=torch.float64), torch.tensor(right.astype(int)), n_bins=10, norm="l1"
    )
    assert ours == pytest.approx(float(theirs), abs=1e-5)


def test_the_calibration_curve_by_hand():
    claimed = np.array([0.05, 0.15, 0.17, 0.95, 1.0])
    right = np.array([False, False, True, True, True])
    bars = calibration_curve(right, claimed, np.ones(5))
    assert [(bar.claimed, bar.right, bar.weight) for bar in bars] == [
        pytest.approx((0.05, 0.0, 0.2)),
        pytest.approx((0.16, 0.5, 0.4)),
        pytest.approx((0.975, 1.0, 0.4)),
    ]


def test_exhibits_weigh_as_much_as_all_photos_to_be_refused_and_each_kind_the_same(table):
    judged = table(
        *(("exhibit", f"{n}", 0.5, {}) for n in range(6)),
        *(("ood", f"o{n}", 0.5, {}) for n in range(3)),
        ("look_alike", "l", 0.5, {}),
    )
    weights = balanced(judged)
    assert weights[judged.exhibits].sum() == pytest.approx(1)
    assert weights[judged.kind == "ood"].sum() == pytest.approx(0.5)
    assert weights[judged.kind == "look_alike"].sum() == pytest.approx(0.5)
