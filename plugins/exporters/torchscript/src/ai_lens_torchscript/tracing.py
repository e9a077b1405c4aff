"""A network as TorchScript."""

from __future__ import annotations

import torch
from torch import nn

from ai_lens_torchscript import layout
from lens_core.errors import BrokenPluginError


class Sized(nn.Module):
    """The network, and beside it the side of the photos it takes: TorchScript forgets the example's shape."""

    def __init__(self, network: nn.Module, size: int) -> None:
        super().__init__()
        self.network = network
        self.register_buffer(layout.SIZE, torch.tensor(size))

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        embeddings, logits = self.network(images)
        return embeddings, logits


def trace(network: nn.Module, example: torch.Tensor) -> torch.jit.ScriptModule:
    """``network`` traced and frozen. Raises BrokenPluginError (E420) when that is not possible."""
    sized = Sized(network.eval(), example.shape[1]).eval()
    try:
        with layout.quiet(), torch.no_grad():
            # What check_trace would see, ai-lens sees afterwards on real photos.
            traced = torch.jit.trace(sized, example, check_trace=False)  # type: ignore[no-untyped-call]
            frozen: torch.jit.ScriptModule = torch.jit.freeze(traced, preserved_attrs=[layout.SIZE])
    except RuntimeError as error:
        reason = str(error).strip().partition("\n")[0]
        raise BrokenPluginError(
            f"exporter 'torchscript' cannot trace this network: {reason}",
            "Try another backbone, or another exporter.",
        ) from error
    return frozen
