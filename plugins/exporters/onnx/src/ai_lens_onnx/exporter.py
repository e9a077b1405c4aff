"""Writes a trained model as one sealed ONNX file."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from ai_lens_onnx import layout
from lens_core.contracts import Documents, Exporter, Pixels
from lens_core.errors import NotInstalledError
from lens_core.hookspecs import hookimpl

if TYPE_CHECKING:
    import onnx
    import torch


@attrs.frozen
class OnnxOptions:
    """How the ONNX model is made."""

    opset: int = attrs.field(default=17, validator=[attrs.validators.ge(13), attrs.validators.le(20)])
    """Version of the operator set, 13 to 20. Older devices may need a lower one than 17."""
    int8: str = attrs.field(default="auto", validator=attrs.validators.in_(("auto", "static", "dynamic")))
    """How ``--quantize int8`` works: ``static`` for convolutions, ``dynamic`` for transformers, ``auto``."""


@hookimpl
def options_type() -> type[OnnxOptions]:
    return OnnxOptions


@hookimpl
def make_exporter(options: OnnxOptions) -> Exporter:
    """Raises NotInstalledError (E410) on a machine that can only answer."""
    check_can_export("onnx")
    return OnnxExporter(options)


def check_can_export(name: str) -> None:
    """Raises NotInstalledError (E410) where the libraries that only exporting needs are missing."""
    for library in ("torch", "onnx"):
        if find_spec(library) is None:
            raise NotInstalledError(
                f"exporter '{name}' needs '{library}'.", 'Try: pip install "ai-lens-onnx[export]"'
            )


class OnnxExporter:
    """One file that holds the network and the documents, and needs no PyTorch to answer."""

    suffix = layout.ONNX.suffix

    def __init__(self, options: OnnxOptions) -> None:
        self._opset, self._int8 = options.opset, options.int8

    def convert(self, module: torch.nn.Module, example: torch.Tensor) -> onnx.ModelProto:
        """``module`` (uint8[N, S, S, 3] -> embeddings, logits) as an ONNX model for any N.

        Raises ExportMismatchError (E230) when the model is not of the opset asked for, BrokenPluginError
        (E420) when the network has an operation that this opset cannot express.
        """
        from ai_lens_onnx import tracing

        return tracing.traced(module, example, self._opset)

    def quantize(self, network: onnx.ModelProto, images: Pixels) -> onnx.ModelProto:
        """An int8 version of a converted network, calibrated on photos uint8[N, S, S, 3]."""
        from ai_lens_onnx import int8, tracing

        model = int8.quantized(network, images, self._int8)
        tracing.check_opset(model, self._opset)
        return model

    def write(self, network: onnx.ModelProto, documents: Documents, path: Path) -> None:
        """Write the model, the documents in its metadata, as one sealed file."""
        path.write_bytes(layout.seal(layout.carrying(network, documents).SerializeToString()))
