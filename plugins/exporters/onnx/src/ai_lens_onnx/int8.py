"""int8 versions of an ONNX model, by ONNX Runtime's quantiser.

Convolution networks are calibrated on photos (*static*): dynamic int8 leaves their convolutions as they are.
Transformers measure their numbers anew for every answer (*dynamic*): fixed ranges destroyed them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ai_lens_onnx import layout, static
from lens_core.contracts import Pixels
from lens_core.quiet import quietly

if TYPE_CHECKING:
    import onnx


def quantized(model: onnx.ModelProto, images: Pixels, how: str) -> onnx.ModelProto:
    """An int8 copy of ``model``: ``static``, calibrated on uint8[N, S, S, 3], ``dynamic``, or ``auto``."""
    import onnx

    dynamic = _mostly_matrices(model) if how == "auto" else how == "dynamic"
    with TemporaryDirectory() as folder, quietly():
        prepared, target = _prepared(model, Path(folder)), Path(folder) / "int8.onnx"
        if dynamic:
            _dynamic(prepared, target)
        else:
            static.quantize(prepared, target, images)
        return _tidied(onnx.load(target), model)


def _mostly_matrices(model: onnx.ModelProto) -> bool:
    """Whether more of the weights are in linear layers than in convolutions, as in transformers."""
    linear = sum(_weights(model, ("MatMul", "Gemm")))
    return linear > sum(_weights(model, ("Conv",)))


def _weights(model: onnx.ModelProto, kinds: tuple[str, ...]) -> Iterable[int]:
    """How many numbers each weight of these kinds of nodes has."""
    sizes = {tensor.name: math.prod(tensor.dims) for tensor in model.graph.initializer}
    nodes = (node for node in model.graph.node if node.op_type in kinds)
    return (sizes.get(name, 0) for node in nodes for name in node.input)


def _prepared(model: onnx.ModelProto, folder: Path) -> Path:
    """The model with constants folded and every shape known, as the quantiser wants it."""
    import onnx
    from onnxruntime.quantization.shape_inference import quant_pre_process  # type: ignore[import-untyped]

    before, after = folder / "model.onnx", folder / "prepared.onnx"
    onnx.save(model, before)
    quant_pre_process(before, after, skip_symbolic_shape=True)
    return after


def _dynamic(source: Path, target: Path) -> None:
    """int8 weights per channel in linear layers, all but the class scores."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic  # type: ignore[import-untyped]

    scores = [node.name for node in onnx.load(source).graph.node if layout.OUTPUTS[1] in node.output]
    quantize_dynamic(
        source,
        target,
        op_types_to_quantize=["MatMul"],  # Gemm becomes MatMul first
        nodes_to_exclude=scores,
        per_channel=True,
        weight_type=QuantType.QInt8,
    )


def _tidied(model: onnx.ModelProto, original: onnx.ModelProto) -> onnx.ModelProto:
    """Without the mention of operator sets that no node uses, and readable wherever the original was."""
    used = {node.domain for node in model.graph.node}
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    model.ir_version = original.ir_version
    return model
