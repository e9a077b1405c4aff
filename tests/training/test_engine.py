"""One step of learning: the same whatever the machine, and as the settings say."""

import attrs
import numpy as np
import pytest
import torch

from lens_core.contracts import Layered
from lens_core.errors import BadSettingError
from lens_core.settings import Hardware
from lens_core.training.engine import Engine, warm_up_then_cosine
from lens_core.training.learner import Learner
from lens_core.training.mixing import mix
from lens_core.training.network import LensNet, make_backbone

CLASSES = 3
PHOTOS = 8


@pytest.fixture(scope="module")
def settings(tiny_settings):
    return attrs.evolve(
        tiny_settings,
        finetune="all",
        train_size=32,
        lr=1e-2,
        loss="ce+triplet",
        embedding_dim=8,
        hardware=Hardware("float32", workers=0),
    )


@pytest.fixture(scope="module")
def batch():
    random = torch.Generator().manual_seed(3)
    images = torch.randint(0, 256, (PHOTOS, 32, 32, 3), generator=random, dtype=torch.uint8)
    return images, torch.arange(PHOTOS) % CLASSES


def engine_of(settings, steps=10):
    torch.manual_seed(0)
    net = LensNet(make_backbone(settings), settings.embedding_dim, CLASSES)
    return Engine(Learner(net, CLASSES, settings), settings, steps)


def weights_after(settings, batch, steps=3, **changes):
    """(weights, losses)."""
    engine = engine_of(attrs.evolve(settings, **changes))
    engine.learner.train()
    losses = []
    for step in range(steps):
        torch.manual_seed(step)
        losses.append(engine.step(*batch))
    return {name: value.clone() for name, value in engine.learner.state_dict().items()}, losses


@pytest.mark.parametrize("at_once", [1, 3, 5])
def test_a_batch_in_pieces_learns_the_same(settings, batch, at_once):
    whole, losses = weights_after(settings, batch)
    pieces, same = weights_after(
        settings, batch, hardware=attrs.evolve(settings.hardware, micro_batch=at_once)
    )
    assert same == pytest.approx(losses, rel=1e-4)  # triplets compare photos of different pieces, too
    for name, value in whole.items():
        torch.testing.assert_close(pieces[name], value, rtol=1e-3, atol=2e-4, msg=name)


def test_the_loss_comes_down(settings, batch):
    _, losses = weights_after(settings, batch, steps=9)
    assert losses[-1] < 0.7 * losses[0]


def test_in_bfloat16_it_learns_about_the_same(settings, batch):
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("this processor has no bfloat16")
    _, losses = weights_after(settings, batch, hardware=Hardware("bfloat16"))
    _, exact = weights_after(settings, batch)
    assert losses != exact
    assert losses == pytest.approx(exact, rel=0.1)


def test_pretrained_statistics_stay_and_those_of_a_new_network_do_not(settings, batch):
    def statistics(weights):
        return next(value for name, value in weights.items() if name.endswith("bn1.running_mean"))

    before = statistics(engine_of(settings).learner.state_dict())
    after, _ = weights_after(settings, batch)
    assert torch.equal(statistics(after), before)
    learned, _ = weights_after(settings, batch, pretrained=False, weights=None)
    assert not torch.equal(statistics(learned), before)


def test_the_average_follows_the_weights_slowly_or_not_at_all(settings, batch):
    for ema in (0.0, 0.9):
        engine = engine_of(attrs.evolve(settings, ema=ema))
        engine.learner.train()
        for _ in range(3):
            engine.step(*batch)
        now, smooth = engine.learner.state_dict(), engine.smoothed.state_dict()
        same = all(torch.equal(now[name], smooth[name]) for name in now)
        assert same == (ema == 0)


def test_with_last_only_the_last_layers_learn(settings, batch):
    names = [name for name, _ in engine_of(settings).learner.net.backbone.named_parameters()]
    before = engine_of(settings).learner.net.backbone.state_dict()
    learned, _ = weights_after(settings, batch, finetune="last")
    changed = [name for name in names if not torch.equal(learned[f"net.backbone.{name}"], before[name])]
    assert changed
    assert changed == names[-len(changed) :]
    assert len(changed) < len(names) / 2


def test_layer_decay_slows_the_first_layers_most(settings):
    engine = engine_of(attrs.evolve(settings, layer_decay=0.5))
    rates = [group["initial_lr"] for group in engine.optimizer.param_groups]
    assert rates[0] == 10 * settings.lr  # the heads
    assert rates[1:] == [settings.lr * 0.5**depth for depth in range(len(rates) - 1)]
    first = engine.learner.net.backbone.layers()[0]
    slowest = {id(one) for one in engine.optimizer.param_groups[-1]["params"]}
    named = dict(engine.learner.net.backbone.named_parameters())
    assert slowest == {id(named[name]) for name in first}


def test_heads_learn_at_their_own_rate(settings):
    engine = engine_of(attrs.evolve(settings, head_lr=0.5))
    assert [group["initial_lr"] for group in engine.optimizer.param_groups] == [0.5, settings.lr]


@pytest.mark.parametrize("changes", [{"finetune": "last"}, {"layer_decay": 0.9}], ids=str)
def test_a_backbone_that_does_not_tell_its_layers_says_so(settings, changes):
    backbone = make_backbone(settings)
    assert isinstance(backbone, Layered)

    class Plain(torch.nn.Module):
        dim, preprocess, full_name, licence = backbone.dim, backbone.preprocess, "plain", "MIT"

    chosen = attrs.evolve(settings, **changes)
    with pytest.raises(BadSettingError, match="needs to know the layers of the backbone 'timm:test_resnet'"):
        Learner(LensNet(Plain(), 8, CLASSES), CLASSES, chosen).parameter_groups()


def test_in_a_short_training_the_average_forgets_where_it_began(settings, batch):
    """60 photos make some twenty steps, fewer than the 50 that a share of 0.98 averages over."""
    engine = engine_of(settings, steps=20)
    engine.learner.train()
    began = {name: value.clone() for name, value in engine.smoothed.state_dict().items()}
    for _ in range(20):
        engine.step(*batch)
    now, smooth = engine.learner.state_dict(), engine.smoothed.state_dict()
    name = "net.embed.weight"
    way, left = (now[name] - began[name]).norm(), (now[name] - smooth[name]).norm()
    assert left < 0.3 * way


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_mixed_photos_show_two_and_share_the_loss(settings, name):
    images = torch.zeros(2, 16, 16, 3, dtype=torch.uint8)
    images[1] = 255
    shares = set()
    for seed in range(20):
        torch.manual_seed(seed)
        mixed, share = mix(images, attrs.evolve(settings, **{name: 1.0}), len(images))
        shares.add(share)
        assert float(mixed[0].float().mean()) == pytest.approx(255 * (1 - share), abs=0.5)
        assert float(mixed[1].float().mean()) == pytest.approx(255 * share, abs=0.5)
    assert 1.0 in shares  # whole photos, too
    assert any(0.1 < share < 0.9 for share in shares)


def test_usually_nothing_is_mixed(settings, batch):
    images, _ = batch
    assert all(mix(images, settings, len(images))[0] is images for _ in range(10))


def test_nothing_is_mixed_where_a_process_has_one_photo(settings, batch):
    images, _ = batch
    mixing = attrs.evolve(settings, mixup=1.0)
    assert all(mix(images, mixing, 1)[1] == 1 for _ in range(20))


def test_mixing_learns(settings, batch):
    _, losses = weights_after(settings, batch, steps=9, cutmix=1.0)
    assert np.mean(losses[-3:]) < np.mean(losses[:3])


def test_the_learning_rate_rises_then_falls_to_nothing():
    shares = [warm_up_then_cosine(step, 100) for step in range(101)]
    assert max(shares) == shares[10] == 1
    assert shares[:10] == sorted(shares[:10])
    assert shares[10:] == sorted(shares[10:], reverse=True)
    assert 0 < shares[0] <= 0.1
    assert shares[100] == pytest.approx(0, abs=1e-9)
