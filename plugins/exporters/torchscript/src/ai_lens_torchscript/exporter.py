"""Writes a trained model as one sealed TorchScript file. Legacy: PyTorch has deprecated the format."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from ai_lens_torchscript import layout
from lens_core.contracts import Documents, Exporter
from lens_core.hookspecs import hookimpl

if TYPE_CHECKING:
    import torch


@hookimpl
def make_exporter() -> Exporter:
    return TorchScriptExporter()


class TorchScriptExporter:
    """One file for LibTorch.

    There is no ``quantize``: PyTorch has deprecated the quantization that TorchScript could carry
    (torch.ao.quantization), and its successor in torchao does not write TorchScript.
    """

    suffix = layout.SUFFIX

    def convert(self, module: torch.nn.Module, example: torch.Tensor) -> torch.jit.ScriptModule:
        """``module`` (uint8[N, S, S, 3] -> embeddings, logits), traced and frozen.

        Any number of photos may be asked at once, whatever the size of ``example``. Raises BrokenPluginError
        (E420) when the network cannot be traced.
        """
        from ai_lens_torchscript.tracing import trace

        return trace(module, example)

    def write(self, network: torch.jit.ScriptModule, documents: Documents, path: Path) -> None:
        """Write the network, the documents as its extra files, as one sealed file."""
        import torch

        written = io.BytesIO()
        with layout.quiet():
            torch.jit.save(network, written, _extra_files=dict(documents))
        path.write_bytes(layout.seal(written.getvalue()))
