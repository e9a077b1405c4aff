"""Figures: checked against counting by hand and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lens_core.evaluation.held_out import Judged
from sklearn.metrics import roc_auc_score

from lens_core.artifacts.manifest import Thresholds
from lens_core.evaluation.metrics import auroc, decision_score, figures
from lens_core.evaluation.tuning import _outcome

THRESHOLDS = Thresholds(0.62, 0.12, 0.2)


@pytest.fixture
def judged():
    """40 exhibits, of which 30 come first and 36 among the first three; 20 look-alikes."""
    random = np.random.default_rng(0)
    p = np.concatenate([random.uniform(0.3, 1, 40), random.uniform(0, 0.6, 20)])
    d = np.concatenate([random.uniform(0.3, 0.8, 40), random.uniform(0.5, 1.2, 20)])
    position = np.arange(60)
    return Judged(
        np.where(position < 40, "exhibit", "look_alike"),
        p,
        p,
        d,
        np.ones(60, bool),
        position < 30,
        position < 36,
        position < 30,
    )


def test_shares_are_counted(judged):
    found = figures(judged, THRESHOLDS, seed=42)
    assert found["photos"] == 40
    assert (found["top1"]["value"], found["top3"]["value"]) == (0.75, 0.9)


def test_the_interval_of_a_share_is_that_of_the_binomial_distribution(judged):
    top1 = figures(judged, THRESHOLDS, seed=42)["top1"]
    half = 1.96 * np.sqrt(0.75 * 0.25 / 40)
    assert top1["low"] == pytest.approx(0.75 - half, abs=0.03)
    assert top1["high"] == pytest.approx(0.75 + half, abs=0.03)


def test_aurocs_are_those_of_scikit_learn(judged):
    scores = figures(judged, THRESHOLDS, seed=42)["reject_auroc"]["look_alike"]
    truth = judged.exhibits
    assert scores["photos"] == 20
    assert scores["distance"]["value"] == pytest.approx(roc_auc_score(truth, -judged.d_top1), abs=1e-4)
    # Here no margin is too small and no reference photo near enough, so the decision goes by p_top1.
    assert scores["decision"]["value"] == pytest.approx(roc_auc_score(truth, judged.p_top1), abs=1e-4)
    for score in (scores["distance"], scores["decision"]):
        assert score["low"] <= score["value"] <= score["high"]
        assert score["low"] < score["high"]


def test_the_auroc_is_the_share_of_pairs_in_the_right_order():
    exhibits, unknown = np.array([0.9, 0.5, 0.4]), np.array([0.5, 0.1])
    # 0.9 beats both; 0.5 ties one (a half) and beats one; 0.4 beats one: 2 + 1.5 + 1 of 6 pairs
    assert auroc(exhibits, unknown) == pytest.approx(4.5 / 6)
    assert auroc(exhibits, exhibits) == 0.5
    assert auroc(exhibits, exhibits - 1) == 1.0


def test_the_same_seed_gives_the_same_intervals(judged):
    assert figures(judged, THRESHOLDS, seed=1) == figures(judged, THRESHOLDS, seed=1)
    assert figures(judged, THRESHOLDS, seed=1) != figures(judged, THRESHOLDS, seed=2)


SHARES = st.floats(0, 1)
PHOTOS = st.lists(st.tuples(SHARES, SHARES, st.floats(0, 2), st.booleans()), min_size=1, max_size=20)


@given(PHOTOS, st.builds(Thresholds, st.floats(0.01, 1), SHARES, st.floats(0, 2)))
def test_the_decision_score_reaches_t_exactly_for_photos_that_are_accepted(photos, thresholds):
    p, margin, d, agree = (np.array(column) for column in zip(*photos, strict=True))
    none = np.zeros(len(p), bool)
    judged = Judged(np.full(len(p), "exhibit"), p, margin, d, agree, none, none, none)
    accepted = _outcome(judged, thresholds)[1]
    assert (decision_score(judged, thresholds) >= thresholds.threshold).tolist() == accepted.tolist()
