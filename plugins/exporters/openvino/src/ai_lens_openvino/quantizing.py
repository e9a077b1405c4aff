"""An int8 network by NNCF's post-training quantization."""

from __future__ import annotations

from collections.abc import Container
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


def quantize(network: Any, images: Pixels) -> Any:
    """An int8 version of an openvino.Model, calibrated on photos uint8[N, S, S, 3].

    Both ends stay in full precision. In front, a small network has few channels, whose ranges differ most:
    with 8 bits there (MobileNetV2, 42 exhibits) 2.3 points fewer photos are answered rightly instead of 0.5,
    in four fifths of the time. Behind, 8 bits make an embedding's length wrong: 1.1 points more of the
    unknown photos were accepted instead of none.
    """
    openvino()
    with quietly():
        import nncf  # type: ignore[import-untyped]

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
