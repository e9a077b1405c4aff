"""Writes a trained model for OpenVINO: an .xml and, beside it, the .bin with its weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from ai_lens_openvino import layout
from ai_lens_openvino.library import openvino
from lens_core.contracts import Documents, Exporter, Pixels
from lens_core.errors import BrokenPluginError
from lens_core.hookspecs import hookimpl
from lens_core.quiet import quietly

if TYPE_CHECKING:
    import torch


@attrs.frozen
class OpenVinoOptions:
    """How the OpenVINO model is made."""

    int8: str = attrs.field(default="auto", validator=attrs.validators.in_(("auto", "static", "dynamic")))
    """How ``--quantize int8`` works: ``static`` for convolutions, ``dynamic`` for transformers, ``auto``."""


@hookimpl
def options_type() -> type[OpenVinoOptions]:
    return OpenVinoOptions


@hookimpl
def make_exporter(options: OpenVinoOptions) -> Exporter:
    return OpenVinoExporter(options)


class OpenVinoExporter:
    """Two files that hold the network and the documents, and need no PyTorch to answer.

    A converted network is an ``openvino.Model``.
    """

    suffix = layout.SUFFIX

    def __init__(self, options: OpenVinoOptions) -> None:
        self._int8 = options.int8

    def convert(self, module: torch.nn.Module, example: torch.Tensor) -> Any:
        """``module`` (uint8[N, S, S, 3] -> embeddings, logits) as an OpenVINO model.

        Any number of photos may be asked at once, whatever the size of ``example``. Raises
        BrokenPluginError (E420) when OpenVINO cannot express an operation of the network.
        """
        import torch

        any_number = (-1, *example.shape[1:])
        try:
            with quietly(), torch.no_grad():
                model = openvino().convert_model(module.eval(), example_input=example, input=[any_number])
        except Exception as error:
            raise BrokenPluginError(
                f"exporter 'openvino' cannot convert this network: {_reason(error)}",
                "Try another backbone, or another exporter.",
            ) from error
        for port, name in zip([*model.inputs, *model.outputs], [layout.INPUT, *layout.OUTPUTS], strict=True):
            port.set_names({name})
        return model

    def quantize(self, network: Any, images: Pixels) -> Any:
        """An int8 version of a converted network, calibrated on photos uint8[N, S, S, 3]."""
        from ai_lens_openvino.quantizing import quantize

        return quantize(network, images, self._int8)

    def write(self, network: Any, documents: Documents, path: Path) -> None:
        """Write the model, the documents in it, and its weights beside it; bound to each other by a seal."""
        model = network.clone()
        _number(model)
        layout.put_documents(model, documents)
        # Unless told otherwise, OpenVINO rounds the weights to 16 bits.
        openvino().save_model(model, path, compress_to_fp16=False)
        layout.seal(path)


def _number(model: Any) -> None:
    """Name every node by its place, so that the same network makes the same bytes.

    OpenVINO's own names carry a counter of everything that the process has ever converted.
    """
    model.set_friendly_name("ai-lens")
    for place, node in enumerate(model.get_ordered_ops()):
        node.set_friendly_name(f"{node.get_type_name()}_{place}")


def _reason(error: Exception) -> str:
    """The line of OpenVINO's long report that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
