"""A network as a Core ML model."""

from __future__ import annotations

import coremltools  # type: ignore[import-untyped]
import numpy as np
import torch
from coremltools.models import MLModel  # type: ignore[import-untyped]
from torch import nn

from ai_lens_coreml import layout
from lens_core.errors import BrokenPluginError

SYSTEM = coremltools.target.iOS16
"""The oldest system that can open the model; macOS 13 is of the same age."""
RGB = coremltools.colorlayout.RGB
SAID_OTHERWISE = {
    torch.ops.aten.addcmul.default: lambda x, one, other, *, value=1: x + value * one * other,
    torch.ops.aten.alias.default: lambda x: x,
}
"""PyTorch's operations that coremltools does not know, in words that it does."""


class OfImage(nn.Module):
    """The network for one image as Core ML passes it: float32[1, 3, S, S] with values 0..255."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        embeddings, logits = self.network(image.permute(0, 2, 3, 1))
        return embeddings, logits


def convert(network: nn.Module, size: int, precision: str) -> MLModel:
    """Raises BrokenPluginError (E420) when the network has an operation that Core ML does not know."""
    example = torch.zeros(1, 3, size, size)
    try:
        # torch.jit.trace, the other way, fails on vision transformers.
        with torch.no_grad():
            exported = torch.export.export(OfImage(network.eval()).eval(), (example,))
        return coremltools.convert(
            exported.run_decompositions(SAID_OTHERWISE),
            inputs=[coremltools.ImageType(layout.INPUT, (1, 3, size, size), color_layout=RGB)],
            outputs=[coremltools.TensorType(name, dtype=np.float32) for name in layout.OUTPUTS],
            convert_to="mlprogram",
            compute_precision=coremltools.precision(precision),
            minimum_deployment_target=SYSTEM,
            skip_model_load=True,
        )
    except Exception as error:
        reason = " ".join(str(error).split())
        raise BrokenPluginError(
            f"exporter 'coreml' cannot convert this network: {reason}",
            "Try another backbone, or another exporter.",
        ) from error


def quantize(model: MLModel) -> MLModel:
    """The same model with int8 weights, one scale per output channel."""
    from coremltools.optimize import coreml  # type: ignore[import-untyped]

    weights = coreml.OpLinearQuantizerConfig(mode="linear_symmetric")
    return coreml.linear_quantize_weights(model, coreml.OptimizationConfig(global_config=weights))
