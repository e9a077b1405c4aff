"""Rejection scores, by hand and against a direct computation."""

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis

from lens_core.artifacts.manifest import SIGNALS, Calibration, RejectionScore
from lens_core.decision import scores
from lens_core.decision.calibration import probabilities

CALIBRATION = Calibration(scale=10.0, none=0.5)
COSINES = np.array([[0.9, 0.1, 0.0], [0.4, 0.5, 0.45], [-0.2, 0.0, 0.1]], np.float32)


def test_the_signals_of_the_classifier_by_hand():
    probs = probabilities(COSINES, CALIBRATION)
    found = scores.from_probabilities(probs, COSINES, CALIBRATION)
    odds = np.exp(10 * (COSINES.astype(float) - 0.5))
    best = odds.max(axis=1) / (1 + odds.sum(axis=1))
    second = np.sort(odds, axis=1)[:, -2] / (1 + odds.sum(axis=1))
    np.testing.assert_allclose(found["softmax"], np.log(best / (1 - best)), rtol=1e-4)
    np.testing.assert_allclose(found["margin"], best - second, atol=1e-6)
    np.testing.assert_allclose(found["energy"], np.log(odds.sum(axis=1)), rtol=1e-5)


def test_the_energy_is_the_log_odds_of_any_item_against_none():
    probs = probabilities(COSINES, CALIBRATION).astype(float).sum(axis=1)
    found = scores.from_probabilities(probabilities(COSINES, CALIBRATION), COSINES, CALIBRATION)
    np.testing.assert_allclose(1 / (1 + np.exp(-found["energy"])), probs, atol=1e-5)


def test_the_signals_of_the_neighbours_by_hand():
    found = scores.from_neighbours(np.array([[0.9, 0.8, 0.4, 0.1], [0.5, 0.5, 0.5, 0.5]], np.float32))
    np.testing.assert_allclose(found["distance"], [0.9, 0.5])
    np.testing.assert_allclose(found["knn"], [0.7, 0.5], rtol=1e-6)


def test_fewer_neighbours_than_three_are_all_there_are():
    assert scores.from_neighbours(np.array([[0.9, 0.5]], np.float32))["knn"] == pytest.approx(0.7)


def test_a_lone_item_leads_by_its_whole_probability():
    probs = np.array([[0.7]], np.float32)
    assert scores.from_probabilities(probs, probs, CALIBRATION)["margin"] == pytest.approx(0.7)


def test_the_relative_mahalanobis_distance_is_that_of_scipy():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 8)
    gallery = (random.normal(size=(3, 4))[labels] + 0.3 * random.normal(size=(24, 4))).astype(np.float32)
    queries = random.normal(size=(5, 4)).astype(np.float32)
    rows = gallery.astype(float)
    means = [rows[labels == number].mean(axis=0) for number in range(3)]

    def inverse(deviations):
        covariance = deviations.T @ deviations / len(rows)
        return np.linalg.inv(0.7 * covariance + 0.3 * np.trace(covariance) / 4 * np.eye(4))

    within = inverse(rows - np.array(means)[labels])
    whole = inverse(rows - rows.mean(axis=0))
    wanted = [
        mahalanobis(query, rows.mean(axis=0), whole) ** 2
        - min(mahalanobis(query, mean, within) ** 2 for mean in means)
        for query in queries.astype(float)
    ]
    np.testing.assert_allclose(scores.Mahalanobis.of(gallery, labels)(queries), wanted, rtol=1e-6)


def test_one_photo_of_each_item_is_enough_for_a_number():
    gallery = np.eye(3, dtype=np.float32)
    found = scores.Mahalanobis.of(gallery, np.arange(3))(gallery)
    assert np.isfinite(found).all()


def test_a_score_is_the_logistic_function_of_its_weighted_signals():
    score = RejectionScore("combination", {"energy": 2.0, "knn": -1.0}, 0.5)
    signals = {"energy": np.array([0.0, 1.0]), "knn": np.array([0.0, 0.5])}
    expected = 1 / (1 + np.exp(-np.array([0.5, 0.5 + 2 - 0.5])))
    np.testing.assert_allclose(scores.apply(score, signals), expected)


def test_absurd_odds_stay_probabilities():
    score = RejectionScore("energy", {"energy": 1e9}, 0.0)
    assert scores.apply(score, {"energy": np.array([-1.0, 1.0])}).tolist() == pytest.approx([0, 1], abs=1e-20)


def test_a_score_of_unknown_signals_is_refused():
    with pytest.raises(ValueError, match="must be in"):
        RejectionScore("mine", {"mine": 1.0}, 0.0)
    assert RejectionScore("all", dict.fromkeys(SIGNALS, 1.0), 0.0)
