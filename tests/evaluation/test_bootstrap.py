"""Intervals hold the truth about as often as they say, and copies make nothing surer."""

import numpy as np
import pytest

from lens_core.evaluation import bootstrap


def test_intervals_of_a_share_hold_the_truth_in_about_95_of_100_cases():
    random = np.random.default_rng(0)
    held = []
    for seed in range(300):
        found = bootstrap.share(random.uniform(size=120) < 0.7, np.arange(120), seed)
        held.append(found["low"] <= 0.7 <= found["high"])
    # 300 tries of 95 %: standard error 1.3 points; the percentile bootstrap is a little too sure of itself.
    assert 0.90 <= np.mean(held) <= 0.99


def test_intervals_of_a_mean_hold_the_truth_in_about_95_of_100_cases():
    random = np.random.default_rng(1)
    held = []
    for seed in range(300):
        found = bootstrap.mean(random.beta(2, 2, 80), np.arange(80), seed)
        held.append(found["low"] <= 0.5 <= found["high"])
    assert 0.90 <= np.mean(held) <= 0.99


def test_ten_copies_of_every_photo_do_not_make_the_figure_surer():
    flags = np.random.default_rng(2).uniform(size=60) < 0.6
    once = bootstrap.share(flags, np.arange(60), 0)
    copied = bootstrap.share(np.repeat(flags, 10), np.repeat(np.arange(60), 10), 0)
    taken_for_photos = bootstrap.share(np.repeat(flags, 10), np.arange(600), 0)
    assert copied == once
    assert taken_for_photos["high"] - taken_for_photos["low"] < 0.5 * (once["high"] - once["low"])


@pytest.mark.parametrize(("flags", "low", "high"), [([True] * 10, 0.6915, 1), ([False] * 10, 0, 0.3085)])
def test_where_all_or_none_are_counted_the_interval_is_the_exact_one(flags, low, high):
    found = bootstrap.share(np.array(flags), np.arange(10), 0)
    assert (found["low"], found["high"]) == (low, high)


def test_each_sort_of_photo_keeps_its_number_in_every_resample():
    weights = bootstrap.Resamples([np.arange(5), np.arange(100, 107)], 0).weights
    assert (weights[:, :5].sum(axis=1) == 5).all()
    assert (weights[:, 5:].sum(axis=1) == 7).all()
