"""Splits measure honestly: no copies on both sides, no item without its photos, no twin left in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lens_core.training.split import folds, item_groups

LESSONS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12)), min_size=4, max_size=60)


def lesson(pairs):
    """Labels 0..C-1 without gaps; a group of near-duplicates never shows two items."""
    labels = np.unique([label for label, _ in pairs], return_inverse=True)[1].astype(np.int64)
    groups = np.array([label * 100 + group for label, group in pairs], np.int64)
    return labels, groups


@settings(max_examples=150, deadline=None)
@given(LESSONS, st.integers(2, 5), st.integers(0, 3))
def test_folds_are_honest_whatever_the_photos(pairs, count, seed):
    labels, groups = lesson(pairs)
    seen = []
    for train, held_out in folds(labels, groups, count, seed):
        assert sorted([*train, *held_out]) == list(range(len(labels)))
        assert set(np.unique(labels)) == set(labels[train]), "an item without photos to train on"
        assert set(labels[held_out]) <= set(labels[train])
        assert not set(groups[train]) & set(groups[held_out]), "copies on both sides"
        seen += held_out.tolist()
    assert len(seen) == len(set(seen)), "a photo held out twice"


def test_every_photo_of_a_plain_lesson_is_held_out_once_and_every_item_in_every_fold():
    labels = np.repeat(np.arange(4), 10)
    found = list(folds(labels, np.arange(40), 5, seed=42))
    assert len(found) == 5
    assert sorted(row for _, held_out in found for row in held_out) == list(range(40))
    for _, held_out in found:
        assert np.bincount(labels[held_out]).tolist() == [2, 2, 2, 2]


def test_the_seed_decides_the_split():
    labels = np.repeat(np.arange(4), 10)
    one, same, other = (next(folds(labels, np.arange(40), 5, seed))[1].tolist() for seed in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize(
    ("labels", "groups"),
    [([0, 1, 2], [0, 1, 2]), ([0, 0, 0], [5, 5, 5]), ([0], [0])],
    ids=["one photo each", "copies of one photo", "a single photo"],
)
def test_where_nothing_can_be_held_out_nothing_is(labels, groups):
    assert [held.tolist() for _, held in folds(np.array(labels), np.array(groups), 5, 42) if len(held)] == []


# --- which items are left out together


def unit(rows):
    rows = np.asarray(rows, np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_twins_are_left_out_apart():
    random = np.random.default_rng(0)
    first = random.standard_normal((6, 16))
    twins = first + 0.01 * random.standard_normal((6, 16))
    groups = item_groups(unit(np.concatenate([first, twins])), 6)
    home = {int(item): number for number, group in enumerate(groups) for item in group}
    assert sorted(home) == list(range(12))
    assert all(home[item] != home[item + 6] for item in range(6))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 25), st.integers(1, 8), st.integers(0, 100))
def test_every_item_is_left_out_once_in_groups_of_even_size(items, count, seed):
    prototypes = unit(np.random.default_rng(seed).standard_normal((items, 5)))
    groups = item_groups(prototypes, count)
    assert sorted(int(item) for group in groups for item in group) == list(range(items))
    assert len(groups) <= count
    assert max(len(group) for group in groups) <= -(-items // min(count, items))


def test_one_item_is_one_group():
    assert [group.tolist() for group in item_groups(unit([[1, 2]]), 6)] == [[0]]
