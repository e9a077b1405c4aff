"""Which photos are shown in one pass."""

import attrs
import numpy as np
import pytest
import torch

from lens_core.training.heads import fit_heads
from lens_core.training.sampling import shown

LABELS = torch.tensor([0] * 30 + [1] * 7 + [2] * 2)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_usually_every_photo_is_shown_once():
    rows = shown(LABELS, "none")
    assert sorted(rows.tolist()) == list(range(39))


def test_balanced_every_item_is_shown_equally_often():
    rows = shown(LABELS, "items")
    assert len(rows) == 39
    assert LABELS[rows].bincount().tolist() == [13, 13, 13]


def test_of_an_item_every_photo_is_shown_as_often_as_the_others():
    times = shown(LABELS, "items").bincount(minlength=39)
    assert set(times[:30].tolist()) == {0, 1}
    assert set(times[30:37].tolist()) <= {1, 2}
    assert set(times[37:].tolist()) <= {6, 7}


def test_where_it_does_not_come_out_even_no_item_is_ahead_by_more_than_one():
    counts = LABELS[:38][shown(LABELS[:38], "items")].bincount()
    assert sorted(counts.tolist()) == [12, 13, 13]


def test_class_numbers_without_photos_are_passed_over():
    assert len(shown(torch.tensor([3, 3, 8]), "items")) == 3


def test_the_few_photos_of_an_item_are_not_drowned_by_the_many_of_its_twin(tiny_settings):
    random = np.random.default_rng(0)
    labels = np.array([0] * 190 + [1] * 10)
    features = random.standard_normal((200, 1, 8)).astype(np.float32)
    features[:, 0, 0] += np.where(labels == 0, -0.5, 0.5)
    settings = attrs.evolve(tiny_settings, embedding_dim=8, epochs=20)
    asked = random.standard_normal((400, 8)).astype(np.float32)
    asked[:, 0] += 0.5

    def recall(balance):
        heads = fit_heads(features, labels, attrs.evolve(settings, balance=balance), 0)
        return float(((heads.embed(asked) @ heads.directions.T).argmax(axis=1) == 1).mean())

    assert recall("items") > recall("none")
    assert recall("items") == recall("items")
