"""Items that are taken for each other are found, dwelt on, and told of."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from lens_core.training.mining import EMPHASIS, confused, emphasis
from lens_core.training.sampling import class_weights, dwelt_on, shuffled
from lens_core.training.validation import Marks

LABELS = torch.tensor([0] * 20 + [1] * 10 + [2] * 10)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def marks(shares):
    return Marks(0.0, 0.0, None, np.array(shares, np.float32))


def test_items_that_share_their_probability_are_confused():
    shares = [[0.5, 0.4, 0.0], [0.4, 0.5, 0.0], [0.3, 0.6, 0.0], [0.0, 0.05, 0.9]]
    (pair,) = confused(marks(shares), np.array([0, 0, 1, 2]))
    assert (pair.first, pair.second) == (0, 1)
    assert pair.share == pytest.approx((0.45 + 0.3) / 2)
    assert pair.mistakes == 1


def test_items_that_are_told_apart_are_not():
    assert confused(marks([[0.9, 0.05], [0.1, 0.8]]), np.array([0, 1])) == []


def test_the_worst_pair_comes_first():
    shares = [[0.4, 0.2, 0.4], [0.2, 0.8, 0.0], [0.4, 0.0, 0.6]]
    found = confused(marks(shares), np.array([0, 1, 2]))
    assert [(pair.first, pair.second) for pair in found] == [(0, 2), (0, 1)]


def test_confused_items_count_more_and_are_shown_more_often():
    pairs = confused(marks([[0.5, 0.4, 0.0], [0.4, 0.5, 0.0], [0.0, 0.0, 0.9]]), np.array([0, 1, 2]))
    weights = emphasis(pairs, 3)
    assert weights.tolist() == [EMPHASIS, EMPHASIS, 1]
    rows = dwelt_on(torch.arange(40), weights[LABELS])
    times = rows.bincount(minlength=40).float()
    assert len(rows) == 40
    assert float(times[:30].mean() / times[30:].mean()) == pytest.approx(EMPHASIS, rel=0.15)
    assert times.max() - times.min() <= 2


def test_paired_items_are_shown_side_by_side():
    order = shuffled(torch.arange(40), LABELS, [(0, 2)])
    assert sorted(order.tolist()) == list(range(40))
    shown = LABELS[order].tolist()
    beside = sum(1 for here, there in pairwise(shown) if {here, there} == {0, 2})
    assert beside >= 10  # each photo of item 2 has one of item 0 beside it


def test_without_pairs_the_order_is_random_and_the_same_for_a_seed():
    first = shuffled(torch.arange(40), LABELS, [])
    assert sorted(first.tolist()) == list(range(40))
    assert first.tolist() != list(range(40))
    torch.manual_seed(0)
    assert torch.equal(shuffled(torch.arange(40), LABELS, []), first)


def test_weights_make_every_item_count_the_same():
    weights = class_weights(LABELS, 3)
    totals = torch.zeros(3).index_add_(0, LABELS, weights[LABELS])
    assert totals.tolist() == pytest.approx([40 / 3] * 3)
