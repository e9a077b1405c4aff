"""Writes a trained model as one sealed ONNX file."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from ai_lens_onnx import layout
from lens_core.contracts import Documents, Exporter
from lens_core.errors import BrokenPluginError, ExportMismatchError, NotInstalledError
from lens_core.hookspecs import hookimpl

if TYPE_CHECKING:
    import onnx
    import torch


@attrs.frozen
class OnnxOptions:
    """How the ONNX file is written."""

    opset: int = attrs.field(default=17, validator=[attrs.validators.ge(13), attrs.validators.le(20)])
    """Version of the operator set, 13 to 20. Older devices may need a lower one than 17."""


@hookimpl
def options_type() -> type[OnnxOptions]:
    return OnnxOptions


@hookimpl
def make_exporter(options: OnnxOptions) -> Exporter:
    """Raises NotInstalledError (E410) on a machine that can only answer."""
    for library in ("torch", "onnx"):
        if find_spec(library) is None:
            raise NotInstalledError(
                f"exporter 'onnx' needs '{library}'.", 'Try: pip install "ai-lens-onnx[export]"'
            )
    return OnnxExporter(options)


class OnnxExporter:
    """One file that holds the network and the documents, and needs no PyTorch to answer."""

    suffix = layout.SUFFIX

    def __init__(self, options: OnnxOptions) -> None:
        self._opset = options.opset

    def export(
        self, module: torch.nn.Module, example: torch.Tensor, documents: Documents, path: Path
    ) -> None:
        """Write ``module`` (uint8[N, S, S, 3] -> embeddings, logits) and ``documents`` to ``path``.

        Any number of photos may be asked at once, whatever the size of ``example``. Raises
        ExportMismatchError (E230) when the file is not of the opset asked for, BrokenPluginError (E420) when
        the network has an operation that this opset cannot express.
        """
        import onnx

        _trace(module, example, self._opset, path)
        model = onnx.load(path)
        _check_opset(model, self._opset)
        onnx.helper.set_model_props(model, layout.to_metadata(documents))
        path.write_bytes(layout.seal(model.SerializeToString()))


def _trace(module: torch.nn.Module, example: torch.Tensor, opset: int, path: Path) -> None:
    """Write the bare network."""
    import torch

    try:
        with _quiet(), torch.no_grad():
            # The newer exporter (dynamo=True) writes opset 18 whatever it is asked for.
            torch.onnx.export(
                module.eval(),
                (example,),
                path,
                dynamo=False,
                opset_version=opset,
                input_names=[layout.INPUT],
                output_names=layout.OUTPUTS,
                dynamic_axes={name: {0: "batch"} for name in (layout.INPUT, *layout.OUTPUTS)},
            )
    except torch.onnx.errors.OnnxExporterError as error:
        reason = str(error).strip().partition("\n")[0]
        raise BrokenPluginError(
            f"exporter 'onnx' cannot write this network as opset {opset}: {reason}",
            "Try --option opset=20, another backbone, or another exporter.",
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """PyTorch's remarks on tracing and on the age of this exporter are not for our users."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield


def _check_opset(model: onnx.ModelProto, opset: int) -> None:
    written = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
    if written != {"ai.onnx": opset}:
        found = ", ".join(f"{domain} {version}" for domain, version in written.items())
        raise ExportMismatchError(f"The export asked for opset {opset} but PyTorch wrote {found}.")
