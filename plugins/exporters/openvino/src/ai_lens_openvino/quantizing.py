"""int8 networks by NNCF.

Convolution networks are calibrated on photos (*static*). Of transformers the weights alone are made int8, and
OpenVINO measures the numbers between linear layers anew for every answer (*dynamic*): fixed ranges destroyed
some of them.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

import numpy as np

from ai_lens_openvino.library import openvino
from lens_core.contracts import Pixels
from lens_core.quiet import quietly

_ATTENTION = ("ScaledDotProductAttention", "Softmax")
_CONVOLUTIONS = ("Convolution", "GroupConvolution")
_WITH_WEIGHTS = ("MatMul", *_CONVOLUTIONS)
_FIRST = 3
"""Convolutions: the first layer and the first block of a MobileNet, the patches of a vision transformer."""


def quantize(network: Any, images: Pixels, how: str) -> Any:
    """An int8 version of an openvino.Model: ``static``, calibrated on uint8[N, S, S, 3], or ``dynamic``.

    ``auto`` chooses by where the weights are.
    """
    openvino()
    dynamic = _mostly_matrices(network) if how == "auto" else how == "dynamic"
    with quietly():
        return _dynamic(network) if dynamic else _static(network, images)


def _mostly_matrices(network: Any) -> bool:
    """Whether more of the weights are in linear layers than in convolutions, as in transformers."""
    return _weights(network, ("MatMul",)) > _weights(network, _CONVOLUTIONS)


def _weights(network: Any, kinds: Sequence[str]) -> int:
    """How many numbers there are in the weights of these kinds of nodes."""
    nodes = [node for node in network.get_ordered_ops() if node.get_type_name() in kinds]
    weights = [value.get_node() for node in nodes for value in node.input_values()]
    return sum(node.get_data().size for node in weights if node.get_type_name() == "Constant")


def _dynamic(network: Any) -> Any:
    """Weights with a scale for each channel, all but the directions of the classes."""
    import nncf  # type: ignore[import-untyped]

    return nncf.compress_weights(
        network.clone(),
        mode=nncf.CompressWeightsMode.INT8_SYM,
        ignored_scope=nncf.IgnoredScope(names=sorted(_last_steps(network))),
    )


def _static(network: Any, images: Pixels) -> Any:
    """Ranges found on photos, once and for all.

    Both ends stay in full precision. In front, a small network has few channels, whose ranges differ most:
    with 8 bits there (MobileNetV2, 42 exhibits) 2.3 points fewer photos are answered rightly instead of 0.5,
    in four fifths of the time. Behind, 8 bits make an embedding's length wrong: 1.1 points more of the
    unknown photos were accepted instead of none.
    """
    import nncf

    kinds = {node.get_type_name() for node in network.get_ordered_ops()}
    kept = _first_steps(network) | _last_steps(network)
    return nncf.quantize(
        network,
        nncf.Dataset([np.ascontiguousarray(image[None]) for image in images]),
        preset=nncf.QuantizationPreset.MIXED,  # for activations that are not ReLU, too
        subset_size=len(images),
        model_type=nncf.ModelType.TRANSFORMER if kinds & set(_ATTENTION) else None,
        ignored_scope=nncf.IgnoredScope(names=sorted(kept)),
    )


def _first_steps(network: Any) -> set[str]:
    """Names of the first convolutions."""
    nodes = network.get_ordered_ops()
    names = [node.get_friendly_name() for node in nodes if node.get_type_name() in _CONVOLUTIONS]
    return set(names[:_FIRST])


def _last_steps(network: Any) -> set[str]:
    """Names of what follows the embedding layer: its bias, the normalisation, the cosines."""
    embeddings, logits = (result.input_value(0).get_node() for result in network.get_results())
    steps: set[str] = set()
    _collect(embeddings, steps, until=_WITH_WEIGHTS)
    _collect(logits, steps)
    return steps


def _collect(node: Any, names: set[str], until: Container[str] = ()) -> None:
    """Add the node and those it is computed from, back to ``until`` or to what was found before."""
    name, kind = node.get_friendly_name(), node.get_type_name()
    if name in names or kind in until or kind in ("Constant", "Parameter"):
        return
    names.add(name)
    for value in node.input_values():
        _collect(value.get_node(), names, until)
