"""A PyTorch network as an ONNX model."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ai_lens_onnx import layout
from lens_core.errors import BrokenPluginError, ExportMismatchError
from lens_core.quiet import quietly

if TYPE_CHECKING:
    import onnx
    import torch


def traced(module: torch.nn.Module, example: torch.Tensor, opset: int) -> onnx.ModelProto:
    """``module`` (uint8[N, S, S, 3] -> embeddings, logits) in this opset, for any N.

    Raises ExportMismatchError (E230) when PyTorch wrote another opset, BrokenPluginError (E420) when the
    network has an operation that this opset cannot express.
    """
    import onnx
    import torch

    written = io.BytesIO()
    try:
        with quietly(), torch.no_grad():
            # The newer exporter (dynamo=True) writes opset 18 whatever it is asked for.
            torch.onnx.export(
                module.eval(),
                (example,),
                written,  # type: ignore[arg-type]  # a file object will do
                dynamo=False,
                opset_version=opset,
                input_names=[layout.INPUT],
                output_names=layout.OUTPUTS,
                dynamic_axes={name: {0: "batch"} for name in (layout.INPUT, *layout.OUTPUTS)},
            )
    except torch.onnx.errors.OnnxExporterError as error:
        reason = str(error).strip().partition("\n")[0]
        raise BrokenPluginError(
            f"This network cannot be written as ONNX opset {opset}: {reason}",
            "Try --option opset=20, another backbone, or another exporter.",
        ) from error
    model = onnx.load_from_string(written.getvalue())
    check_opset(model, opset)
    return model


def check_opset(model: onnx.ModelProto, opset: int) -> None:
    """Raises ExportMismatchError (E230) unless ``model`` needs this opset and nothing else."""
    written = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
    if written != {"ai.onnx": opset}:
        found = ", ".join(f"{domain} {version}" for domain, version in written.items())
        raise ExportMismatchError(f"The export asked for opset {opset} but {found} was written.")
