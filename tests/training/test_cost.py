"""How much of a backbone learns, decided from what it costs here, and told before it starts."""

import attrs
import psutil
import pytest
import torch

from lens_core.errors import BadSettingError
from lens_core.settings import Hardware
from lens_core.training import cost
from lens_core.training.cost import in_words, measure, plan
from lens_core.training.network import LensNet, make_backbone


@pytest.fixture(scope="module")
def net(tiny_settings):
    return LensNet(make_backbone(tiny_settings), 8, 3).eval()


@pytest.fixture(scope="module")
def undecided(tiny_settings):
    return attrs.evolve(tiny_settings, finetune="auto", epochs=None)


def learning(planned):
    """Seconds of fine-tuning alone."""
    return planned.seconds - planned.looking


def test_a_small_network_learns_all_of_it(net, undecided):
    planned = plan(net, undecided, 100)
    assert planned.settings.finetune == "all"
    assert 0 < planned.seconds < 60


def test_one_that_would_take_too_long_stays_as_it_is(net, undecided):
    planned = plan(net, undecided, 10**9)
    assert planned.settings.finetune == "none"
    assert not planned.finetunes
    assert cost.NETWORKS * planned.seconds > cost.LONGEST  # what it would take is told


def test_who_asks_for_it_waits(net, undecided):
    for wanted in ("all", "last"):
        planned = plan(net, attrs.evolve(undecided, finetune=wanted), 10**9)
        assert planned.settings.finetune == wanted
        assert planned.seconds > cost.LONGEST


def test_random_weights_learn_however_long_it_takes(net, undecided):
    bare = attrs.evolve(undecided, pretrained=False, weights=None)
    assert plan(net, bare, 10**9).settings.finetune == "all"
    for little in ("none", "last"):
        with pytest.raises(BadSettingError, match="has learned nothing"):
            plan(net, attrs.evolve(bare, finetune=little), 10)


def test_the_last_layers_alone_take_less(net, undecided):
    some, all_of_it = (plan(net, attrs.evolve(undecided, finetune=what), 100) for what in ("last", "all"))
    assert learning(some) < 0.7 * learning(all_of_it)
    assert some.looking == all_of_it.looking > 0


def test_a_size_that_the_network_cannot_take_is_refused(undecided):
    settings = attrs.evolve(undecided, backbone="timm:test_vit", weights=None, pretrained=False, img_size=160)
    vit = LensNet(make_backbone(settings), 8, 3).eval()
    with pytest.raises(BadSettingError, match="takes no photos of 100 pixels"):
        plan(vit, attrs.evolve(settings, train_size=100), 10)


def test_nothing_is_left_open_and_a_plan_stays_as_it_is(net, undecided):
    settings = plan(net, undecided, 100).settings
    assert settings.train_size == 32  # two thirds of 64, in steps of 32
    assert settings.hardware.precision in ("float32", "bfloat16")
    assert settings.hardware.micro_batch == settings.batch_size
    assert plan(net, settings, 100).settings == settings


def test_more_passes_more_photos_and_more_pixels_take_longer(net, undecided):
    usual = plan(net, undecided, 100)
    longer = plan(net, attrs.evolve(undecided, epochs=20), 100)
    assert learning(longer) == pytest.approx(2 * learning(usual))
    assert plan(net, undecided, 300).seconds == pytest.approx(3 * usual.seconds)
    assert learning(plan(net, attrs.evolve(undecided, train_size=64), 100)) > 3 * learning(usual)


def test_fewer_cores_than_the_machine_has_take_longer(net, undecided, monkeypatch):
    monkeypatch.setattr(psutil, "cpu_count", lambda logical: 8)
    seconds = []
    for allowed in (8, 1):
        monkeypatch.setattr(cost, "cores", lambda allowed=allowed: allowed)
        seconds.append(plan(net, undecided, 100).seconds)
    assert seconds[1] == pytest.approx(8 * seconds[0])


def test_operations_are_those_of_the_network():
    layer = torch.nn.Conv2d(3, 8, 1, bias=False)
    layer.dim, layer.preprocess = 8, None
    net = torch.nn.Module()
    net.features = lambda images: layer(images.permute(0, 3, 1, 2).float())
    net.parameters = layer.parameters
    found = measure(net, 10)
    assert found.operations == 3 * 2 * (3 * 8 * 10 * 10)
    assert found.memory == 4 * 3 * 10 * 10  # the photo itself is kept for the way back


def test_little_memory_means_fewer_photos_at_once(net, undecided, monkeypatch):
    one = measure(net, 32).memory
    small = attrs.make_class("Memory", ["total"])(int(5.5 * one / cost.MEMORY_SHARE))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: small)
    assert plan(net, undecided, 100).settings.hardware.micro_batch == 5
    wanted = attrs.evolve(undecided, hardware=Hardware(micro_batch=2))
    assert plan(net, wanted, 100).settings.hardware.micro_batch == 2


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (5, "less than a minute"),
        (70, "about 1 minute"),
        (250, "about 4 minutes"),
        (3600, "about 60 minutes"),
        (3 * 3600, "about 3 hours"),
    ],
)
def test_durations_are_told_no_more_exactly_than_they_are_known(seconds, words):
    assert in_words(seconds) == words
