"""The heads on cached features: they learn what is there to learn, with every loss."""

import attrs
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lens_core import plugins
from lens_core.contracts import ClassScorer
from lens_core.errors import BadSettingError, BrokenPluginError
from lens_core.training import heads
from lens_core.training.heads import Objective, fit_heads, whitening

BUILT_IN = ["ce", "arcface", "cosface", "subcenter_arcface", "triplet", "supcon", "multisimilarity"]
NAMING = BUILT_IN[:4]
LOSSES = [*BUILT_IN, "ce+arcface", "ce + 0.5 * triplet", "supcon+multisimilarity"]


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
    weight, bias = whitening(torch.from_numpy(features), 20)
    white = features @ weight.numpy().T + bias.numpy()
    before, after = (np.linalg.eigvalsh(np.cov(rows.T))[-4:] for rows in (features, white))
    assert after[-1] / after[0] < before[-1] / before[0] / 10
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-3)


def test_more_numbers_than_photos_can_fill_stay_zero(lesson):
    weight, bias = whitening(torch.from_numpy(lesson[0][:3, 0]), 32)
    assert weight.shape == (32, 20)
    assert not weight[3:].any()
    assert torch.isfinite(weight).all()
    assert torch.isfinite(bias).all()


def test_with_weights_items_of_few_photos_count_as_much(lesson, tiny_settings):
    features, labels = (part[:-3] for part in lesson)  # the last item has fewer photos than the others
    plain, weighed = (
        fit_heads(features, labels, attrs.evolve(tiny_settings, balance=balance), 1)
        for balance in ("none", "weights")
    )
    assert not np.allclose(plain.directions, weighed.directions, atol=1e-4)


def test_passes_that_a_backbone_learns_in_are_not_those_of_the_heads(lesson, tiny_settings):
    few, many = (
        fit_heads(*lesson, attrs.evolve(tiny_settings, finetune="all", epochs=epochs), 1) for epochs in (1, 5)
    )
    np.testing.assert_array_equal(few.weight, many.weight)


def test_a_network_that_diverges_is_not_blamed_on_a_loss(lesson, tiny_settings, monkeypatch):
    monkeypatch.setattr(heads, "EMBED_LR_SHARE", 1e30)
    with pytest.raises(BadSettingError, match="has diverged"):
        fit_heads(*lesson, tiny_settings, 1)


def test_rates_that_no_network_learns_by_are_refused(tiny_settings):
    for rate in (0, 1.5, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="lr"):
            attrs.evolve(tiny_settings, lr=rate)


@pytest.mark.parametrize("name", NAMING)
def test_a_loss_that_names_classes_can_start_from_their_means(name):
    torch.manual_seed(0)
    loss = plugins.make("loss", name, {}, embedding_dim=8, class_count=3)
    assert isinstance(loss, ClassScorer)
    directions = F.normalize(torch.randn(3, 8))
    loss.start_from(directions)
    assert (loss.class_directions() * directions).sum(dim=1).min() > 0.99


def test_several_directions_of_a_class_start_apart_and_answer_as_one():
    torch.manual_seed(0)
    loss = plugins.make("loss", "subcenter_arcface", {"centers": 2}, embedding_dim=8, class_count=3)
    loss.start_from(torch.eye(8)[:3])
    assert loss.loss.W.shape == (8, 6)
    assert not torch.allclose(loss.loss.W[:, 0], loss.loss.W[:, 1])
    assert loss.class_directions().shape == (3, 8)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_loss_is_lower_for_embeddings_that_are_right(name):
    loss = plugins.make("loss", name, {}, embedding_dim=8, class_count=3)
    directions, labels = torch.eye(8)[:3], torch.tensor([0, 1, 2, 0, 1, 2])
    if isinstance(loss, ClassScorer):
        loss.start_from(directions)
    right, wrong = directions[labels], directions[(labels + torch.tensor([0, 0, 0, 1, 1, 1])) % 3]
    assert loss(right, labels).item() < loss(wrong, labels).item()


def test_options_of_a_loss_are_typed():
    assert plugins.make("loss", "ce", {"scale": 8.0}, embedding_dim=4, class_count=2).scale == 8.0


# --- several losses


def test_losses_are_added_up_by_their_weights(tiny_settings):
    torch.manual_seed(0)
    settings = attrs.evolve(tiny_settings, loss="ce+0.25*triplet", embedding_dim=8)
    objective = Objective(settings, class_count=3)
    embeddings, labels = torch.randn(12, 8), torch.arange(12) % 3
    ce, triplet = (loss(embeddings, labels) for loss in objective.losses)
    torch.testing.assert_close(objective(embeddings, labels), ce + 0.25 * triplet)


def test_a_heavy_weight_wins(lesson, tiny_settings):
    settings = attrs.evolve(tiny_settings, epochs=5, embedding_dim=16)
    alone, mostly, half = (
        fit_heads(*lesson, attrs.evolve(settings, loss=loss), seed=0).weight
        for loss in ("ce", "ce+0.0001*triplet", "ce+50*triplet")
    )
    assert np.abs(alone - mostly).max() < np.abs(alone - half).max() / 10


def test_options_reach_the_loss_they_are_for(tiny_settings):
    chosen = {"arcface": {"scale": 8.0}}
    objective = Objective(attrs.evolve(tiny_settings, loss="ce+arcface", loss_options=chosen), class_count=3)
    assert (objective.losses[0].scale, objective.losses[1].loss.scale) == (16.0, 8.0)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return embeddings", "not a finite scalar"),
        ("return embeddings.sum() / 0 * 0", "not a finite scalar"),
        ("return embeddings[99, 99].sum()", "IndexError"),
    ],
)
def test_a_loss_that_fails_in_training_is_named(lesson, tiny_settings, install, body, reason):
    code = (
        "import torch\nfrom lens_core import hookimpl\n"
        f"class Bad(torch.nn.Module):\n    def forward(self, embeddings, labels):\n        {body}\n"
        "@hookimpl\ndef make_loss(): return Bad()\n"
    )
    install("ai-lens-bad", code, "ai_lens.losses", "bad")
    with pytest.raises(BrokenPluginError, match=rf"loss 'bad' \(ai-lens-bad 1\.0\) .*{reason}"):
        fit_heads(*lesson, attrs.evolve(tiny_settings, loss="ce+bad"), seed=0)
