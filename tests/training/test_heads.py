"""The heads on cached features: they learn what is there to learn, with every loss."""

import attrs
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lens_core import plugins
from lens_core.contracts import ClassScorer
from lens_core.training.heads import fit_heads, whitening

LOSSES = ["ce", "arcface", "triplet", "ce+arcface", "ce + triplet"]


@pytest.fixture
def lesson():
    """120 photos of 4 items: features that tell them apart, hidden under noise they all share."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 30)
    telling = np.eye(4)[labels] + 0.15 * random.standard_normal((120, 4))
    shared = 8 * random.standard_normal((120, 1)) * np.ones((1, 16)) + 0.15 * random.standard_normal(
        (120, 16)
    )
    features = np.concatenate([telling, shared], axis=1).astype(np.float32)
    views = features[:, None] + 0.02 * random.standard_normal((120, 3, 20)).astype(np.float32)
    views[:, 0] = features
    return views, labels.astype(np.int64)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_learns_to_tell_new_photos_apart(loss, lesson, tiny_settings):
    features, labels = lesson
    settings = attrs.evolve(tiny_settings, loss=loss, epochs=20, embedding_dim=16)
    heads = fit_heads(features[::2], labels[::2], settings, seed=0)
    embeddings = heads.embed(features[1::2, 0])
    assert heads.directions.shape == (4, 16)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(heads.directions, axis=1), 1, atol=1e-5)
    right = (embeddings @ heads.directions.T).argmax(axis=1) == labels[1::2]
    assert right.mean() > 0.9


def test_the_same_seed_gives_the_same_heads(lesson, tiny_settings):
    one, same, other = (fit_heads(*lesson, tiny_settings, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.weight, same.weight)
    np.testing.assert_array_equal(one.directions, same.directions)
    assert not np.array_equal(one.weight, other.weight)


def test_whitening_takes_away_what_all_photos_share(lesson):
    features = lesson[0][:, 0]
    weight, bias = whitening(features, 20)
    white = features @ weight.numpy().T + bias.numpy()
    before, after = (np.linalg.eigvalsh(np.cov(rows.T))[-4:] for rows in (features, white))
    assert after[-1] / after[0] < before[-1] / before[0] / 10
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-3)


def test_more_numbers_than_photos_can_fill_stay_zero(lesson):
    weight, bias = whitening(lesson[0][:3, 0], 32)
    assert weight.shape == (32, 20)
    assert not weight[3:].any()
    assert torch.isfinite(weight).all()
    assert torch.isfinite(bias).all()


@pytest.mark.parametrize("name", ["ce", "arcface"])
def test_a_loss_that_names_classes_can_start_from_their_means(name):
    loss = plugins.make("loss", name, {}, embedding_dim=8, class_count=3)
    assert isinstance(loss, ClassScorer)
    directions = F.normalize(torch.randn(3, 8, generator=torch.Generator().manual_seed(0)))
    loss.start_from(directions)
    torch.testing.assert_close(loss.class_directions(), directions)


@pytest.mark.parametrize("name", ["ce", "arcface", "triplet"])
def test_a_loss_is_lower_for_embeddings_that_are_right(name):
    loss = plugins.make("loss", name, {}, embedding_dim=8, class_count=3)
    directions, labels = torch.eye(8)[:3], torch.tensor([0, 1, 2, 0, 1, 2])
    if isinstance(loss, ClassScorer):
        loss.start_from(directions)
    right, wrong = directions[labels], directions[(labels + torch.tensor([0, 0, 0, 1, 1, 1])) % 3]
    assert loss(right, labels).item() < loss(wrong, labels).item()


def test_options_of_a_loss_are_typed():
    assert plugins.make("loss", "ce", {"scale": 8.0}, embedding_dim=4, class_count=2).scale == 8.0
