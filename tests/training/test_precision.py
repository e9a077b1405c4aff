"""Low precision on a CPU: faster, and the same network but for rounding."""

import copy

import torch
from torch import nn

from lens_core.training.precision import keep_slow_layers_in_float32


def a_net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, stride=2, groups=8), nn.Conv2d(8, 4, 1))


def test_layers_left_out_of_low_precision_compute_and_store_the_same():
    plain, kept = a_net(), a_net()
    keep_slow_layers_in_float32(kept)
    images = torch.randn(2, 3, 20, 20)
    torch.testing.assert_close(kept(images), plain(images), rtol=0, atol=0)
    assert kept.state_dict().keys() == plain.state_dict().keys()
    inside = plain[0](images)
    with torch.autocast("cpu", torch.bfloat16):
        exact, rounded = kept[1](inside), plain[1](inside)
        assert kept(images).dtype is torch.bfloat16
    torch.testing.assert_close(exact, plain[1](inside), rtol=0, atol=0)
    assert not torch.equal(rounded.float(), exact)


def test_a_copy_has_weights_of_its_own():
    """The moving average is one."""
    net = a_net()
    keep_slow_layers_in_float32(net)
    other, images = copy.deepcopy(net), torch.randn(2, 3, 20, 20)
    before = other(images)
    with torch.no_grad():
        net[1].weight.add_(1)
    torch.testing.assert_close(other(images), before, rtol=0, atol=0)
