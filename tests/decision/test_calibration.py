"""Probabilities leave room for "none of these"."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lens_core.artifacts.manifest import Calibration
from lens_core.decision.calibration import probabilities

CALIBRATION = Calibration(scale=14.0, none=0.4)
COSINES = arrays(
    np.float32, st.tuples(st.integers(1, 4), st.integers(1, 6)), elements=st.floats(-1, 1, width=32)
)


def test_the_documented_formula_by_hand():
    cosines = np.array([[0.9, 0.2, -0.5]], np.float32)
    odds = [np.exp(14 * 0.9), np.exp(14 * 0.2), np.exp(14 * -0.5)]
    expected = [value / (np.exp(14 * 0.4) + sum(odds)) for value in odds]
    np.testing.assert_allclose(probabilities(cosines, CALIBRATION)[0], expected, rtol=1e-4)


def test_an_item_at_the_constant_is_as_likely_as_none_of_them():
    assert probabilities(np.array([[0.4]], np.float32), CALIBRATION)[0, 0] == pytest.approx(0.5, abs=1e-6)


def test_the_only_item_of_a_place_is_not_certain():
    sure, unsure = probabilities(np.array([[0.8], [0.1]], np.float32), CALIBRATION)[:, 0]
    assert 0.9 < sure < 1
    assert unsure < 0.05


@given(COSINES, st.floats(1, 60), st.floats(-0.5, 0.9))
def test_they_add_up_to_less_than_one_and_keep_the_order_of_the_cosines(cosines, scale, none):
    found = probabilities(cosines, Calibration(scale, none))
    assert found.shape == cosines.shape
    assert found.dtype == np.float32
    assert (found >= 0).all()
    assert (found.sum(axis=1) <= 1 + 1e-6).all()
    order = np.argsort(cosines, axis=1, kind="stable")
    assert (np.diff(np.take_along_axis(found, order, axis=1), axis=1) >= -1e-7).all()


@given(COSINES)
def test_some_probability_is_always_left_for_none_of_these(cosines):
    assert (probabilities(cosines, CALIBRATION).astype(np.float64).sum(axis=1) < 1).all()


@given(COSINES, st.data())
def test_a_better_cosine_never_makes_an_item_less_likely(cosines, data):
    item = data.draw(st.integers(0, cosines.shape[1] - 1))
    better = cosines.copy()
    better[:, item] = np.minimum(1, better[:, item] + 0.1)
    gained = probabilities(better, CALIBRATION) - probabilities(cosines, CALIBRATION)
    assert (gained[:, item] >= -1e-6).all()
    assert (np.delete(gained, item, axis=1) <= 1e-6).all()


def test_a_steep_calibration_does_not_overflow():
    with np.errstate(all="raise", under="ignore"):
        found = probabilities(np.array([[1.0, 0.9]], np.float32), Calibration(scale=200.0, none=0.0))
    assert np.isfinite(found).all()
    assert found[0, 0] == pytest.approx(1, abs=1e-3)
