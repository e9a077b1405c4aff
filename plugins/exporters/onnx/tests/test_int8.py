"""int8: what becomes small and what stays float, and that the result is still an ordinary file."""

import itertools
import logging
import tempfile
from collections import Counter

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto
from torch import nn

from lens_core import plugins
from lens_core.contracts import Preprocess
from lens_core.errors import BadSettingError
from lens_core.testing import networks
from lens_core.testing.opened import photos
from lens_core.training.network import LensNet

SIZE = networks.SIZE


class Deep(nn.Sequential):
    """Six convolutions, wide enough that weights are most of the file."""

    dim, full_name, licence = 64, "deep", "MIT"
    preprocess = Preprocess(SIZE, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.25))

    def __init__(self, activation=nn.ReLU6, kernel=3):
        widths = [3, 16, 32, 64, 64, 64, 64]
        layers = [
            layer
            for before, after in itertools.pairwise(widths)
            for layer in (
                nn.Conv2d(before, after, kernel, padding=kernel // 2),
                nn.BatchNorm2d(after),
                activation(),
            )
        ]
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        for layer in self:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
                nn.init.zeros_(layer.bias)


@pytest.fixture(scope="module")
def deep():
    torch.manual_seed(0)
    net = LensNet(Deep(), 32, 5)
    net.directions.copy_(nn.functional.normalize(torch.randn(5, 32)))
    return net.eval()


def quantized(net, options=None, images=None, exporter="onnx"):
    exporter = plugins.make("exporter", exporter, options or {})
    network = exporter.convert(net, networks.example())
    return network, exporter.quantize(network, photos(8, SIZE) if images is None else images), exporter


def kinds(model):
    return Counter(node.op_type for node in model.graph.node)


def likeness(net, model, exporter, path):
    """1 where the written file tells new photos apart exactly as the network does: the mean cosine between
    their embeddings, counted from the average photo's."""
    exporter.write(model, {"manifest.json": b"{}"}, path)
    images = photos(17, SIZE, seed=1)
    found = plugins.make("runtime", path.suffix[1:], {}, path=path).run(images)[0]
    with torch.inference_mode():
        expected = net(torch.from_numpy(images))[0].numpy()
    found, expected = found - expected.mean(axis=0), expected - expected.mean(axis=0)
    products = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    return float(((found * expected).sum(axis=1) / products).mean())


@pytest.mark.parametrize(("exporter", "suffix"), [("onnx", ".onnx"), ("ort-mobile", ".ort")])
def test_a_convolution_network_becomes_half_as_large_and_sees_the_same(deep, tmp_path, exporter, suffix):
    network, model, exporter = quantized(deep, exporter=exporter)
    exporter.write(network, {}, tmp_path / f"fp32{suffix}")
    assert likeness(deep, model, exporter, tmp_path / f"int8{suffix}") > 0.98
    sizes = [(tmp_path / f"{kind}{suffix}").stat().st_size for kind in ("int8", "fp32")]
    assert sizes[0] < 0.5 * sizes[1]


def test_convolutions_are_calibrated_and_transformers_are_not(deep):
    assert kinds(quantized(deep)[1])["QuantizeLinear"] > 0
    found = kinds(quantized(networks.tiny("transformer"))[1])
    assert found["MatMulInteger"] == 5  # qkv, mix, two of think, embed
    assert found["QuantizeLinear"] == 0


def test_a_transformer_sees_the_same(tmp_path):
    net = networks.tiny("transformer")
    _, model, exporter = quantized(net)
    assert likeness(net, model, exporter, tmp_path / "x.onnx") > 0.98


def test_either_way_can_be_asked_for(deep):
    assert kinds(quantized(deep, {"int8": "dynamic"})[1])["ConvInteger"] == 0
    assert kinds(quantized(deep, {"int8": "dynamic"})[1])["MatMulInteger"] == 1
    assert kinds(quantized(networks.tiny("transformer"), {"int8": "static"})[1])["MatMulInteger"] == 0


def test_no_other_way_can_be_asked_for():
    with pytest.raises(BadSettingError, match=r"E600.*int8"):
        plugins.make("exporter", "onnx", {"int8": "both"})


def test_what_stays_float(deep):
    """The first convolutions, pixels, the length of embeddings, and class scores."""
    _, model, _ = quantized(deep)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    assert [node.input[1] in weights for node in convolutions] == [True] * 3 + [False] * 3
    (scores,) = (node for node in model.graph.node if "logits" in node.output)
    assert weights[scores.input[1]].data_type == TensorProto.FLOAT
    (gemm,) = (node for node in model.graph.node if node.op_type == "Gemm")
    assert all(node.op_type != "QuantizeLinear" for node in model.graph.node if gemm.output[0] in node.input)


def test_weights_have_a_scale_for_every_channel(deep):
    _, model, _ = quantized(deep)
    shapes = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    weights = [name for name in shapes if name.endswith("_quantized") and len(shapes[name]) == 4]
    assert len(weights) == 3
    assert all(shapes[name.replace("_quantized", "_scale")] == shapes[name][:1] == [64] for name in weights)


@pytest.mark.parametrize(
    ("kind", "opset"), [("convolutions", 13), ("transformer", 14), ("convolutions", 20), ("transformer", 20)]
)
def test_the_opset_stays_the_one_asked_for(kind, opset):
    network, model, _ = quantized(networks.tiny(kind), {"opset": opset})
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", opset)]
    assert model.ir_version == network.ir_version
    onnx.checker.check_model(model)


def test_a_rare_extreme_does_not_widen_the_ranges():
    """A white dot in one of 32 dark photos: all other values would lose precision to it."""
    torch.manual_seed(0)
    net = LensNet(Deep(nn.ReLU, kernel=1), 32, 5).eval()
    dark = photos(32, SIZE) // 16
    dotted = dark.copy()
    dotted[5, 10, 10] = 255
    plain, extreme = (activation_scales(quantized(net, images=images)[1]) for images in (dark, dotted))
    assert plain.keys() == extreme.keys()
    assert max(extreme[name] / plain[name] for name in plain) < 1.5


def activation_scales(model):
    """The step of each quantised activation, by name."""
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    return {
        node.input[1]: float(weights[node.input[1]])
        for node in model.graph.node
        if node.op_type == "QuantizeLinear"
    }


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Hardswish, nn.SiLU, nn.GELU])
def test_other_activations(activation, tmp_path):
    torch.manual_seed(0)
    net = LensNet(Deep(activation), 32, 5).eval()
    _, model, exporter = quantized(net)
    assert likeness(net, model, exporter, tmp_path / "x.onnx") > 0.98


def test_the_first_32_photos_are_used(deep):
    """They come of every place and item in turn."""
    images = photos(64, SIZE)
    ignored = images.copy()
    ignored[32:] = 0
    assert quantized(deep, images=images)[1] == quantized(deep, images=ignored)[1]
    ignored[0] = 0
    assert quantized(deep, images=images)[1] != quantized(deep, images=ignored)[1]


@pytest.mark.parametrize("kind", networks.KINDS)
def test_it_says_nothing_and_leaves_nothing_behind(kind, tmp_path, monkeypatch, capfd, recwarn):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    handlers, disabled = logging.root.handlers[:], logging.root.manager.disable
    quantized(networks.tiny(kind))
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list
    assert (logging.root.handlers, logging.root.manager.disable) == (handlers, disabled)
