"""The contract of every backbone (lens_core.contracts.Backbone), asked of the installed plugin."""

import pytest
import torch

from lens_core import plugins
from lens_core.contracts import BackboneOptions, Preprocess
from lens_core.errors import BadSettingError

NAMES = ["vit_b16", "resnet50", "efficientnet_b3", "convnext_tiny", "mobilenetv2", "timm:test_vit"]


def make(name, **options):
    return plugins.make("backbone", name, {"pretrained": False, **options})


@pytest.fixture(scope="module", params=NAMES)
def backbone(request):
    return make(request.param)


def test_it_is_a_torch_module_with_weights(backbone):
    assert isinstance(backbone, torch.nn.Module)
    assert sum(weight.numel() for weight in backbone.parameters()) > 0


def test_it_says_how_photos_are_prepared(backbone):
    assert isinstance(backbone.preprocess, Preprocess)
    assert backbone.preprocess.size > 0
    assert len(backbone.preprocess.mean) == len(backbone.preprocess.std) == 3
    assert backbone.preprocess.interpolation in {"bicubic", "bilinear"}


def test_it_names_itself_and_a_licence(backbone):
    assert backbone.full_name
    assert backbone.licence


def test_features_are_float32_of_the_promised_length(backbone):
    size = backbone.preprocess.size
    with torch.inference_mode():
        features = backbone(torch.randn(2, 3, size, size))
    assert features.dtype == torch.float32
    assert features.shape == (2, backbone.dim)


def test_a_photo_gets_the_same_features_alone_and_in_a_batch(backbone):
    photos = torch.randn(2, 3, backbone.preprocess.size, backbone.preprocess.size)
    with torch.inference_mode():
        torch.testing.assert_close(backbone(photos)[1:], backbone(photos[1:]), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", ["mobilenetv2", "timm:test_vit"])
def test_features_can_be_trained(name):
    backbone = make(name).train()
    size = backbone.preprocess.size
    backbone(torch.randn(2, 3, size, size)).square().sum().backward()
    assert any(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in backbone.parameters())


@pytest.mark.parametrize("name", ["mobilenetv2", "timm:test_vit"])
def test_another_size_can_be_asked_for(name):
    backbone = make(name, img_size=96)
    assert backbone.preprocess.size == 96
    assert backbone(torch.randn(1, 3, 96, 96)).shape == (1, backbone.dim)


@pytest.mark.parametrize("name", ["mobilenetv2", "timm:test_vit"])
def test_a_checkpoint_fills_the_bare_architecture(name):
    trained, bare = make(name, img_size=96), make(name, img_size=96)
    bare.load_state_dict(trained.state_dict())
    photo = torch.randn(1, 3, 96, 96)
    torch.testing.assert_close(bare(photo), trained(photo))


def test_its_options_extend_those_of_every_backbone():
    assert issubclass(plugins.load("backbone", "mobilenetv2").options_type(), BackboneOptions)


@pytest.mark.parametrize("size", [0, -32])
def test_an_impossible_size(size):
    with pytest.raises(BadSettingError, match=rf"E600.*cannot take photos of {size} x {size} pixels"):
        make("mobilenetv2", img_size=size)
