"""Writes a trained model as one sealed .ort file, the format of ONNX Runtime's builds for phones."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import attrs

from ai_lens_onnx import layout
from ai_lens_onnx.exporter import OnnxExporter, OnnxOptions, check_can_export
from lens_core.artifacts import integrity
from lens_core.contracts import Documents, Exporter
from lens_core.hookspecs import hookimpl

if TYPE_CHECKING:
    import onnx


@attrs.frozen
class OrtMobileOptions(OnnxOptions):
    """How the .ort file is made."""

    target: str = attrs.field(default="cpu", validator=attrs.validators.in_(("cpu", "accelerator")))
    """What will run it: the phone's ``cpu``, or an ``accelerator`` (XNNPACK, QNN, CoreML)."""


@hookimpl
def options_type() -> type[OrtMobileOptions]:
    return OrtMobileOptions


@hookimpl
def make_exporter(options: OrtMobileOptions) -> Exporter:
    """Raises NotInstalledError (E410) on a machine that can only answer."""
    check_can_export("ort-mobile")
    return OrtMobileExporter(options)


class OrtMobileExporter(OnnxExporter):
    """The same network as the exporter ``onnx`` makes, optimised beforehand: phones do not do that."""

    suffix = layout.ORT.suffix

    def __init__(self, options: OrtMobileOptions) -> None:
        super().__init__(options)
        self._target = options.target

    def write(self, network: onnx.ModelProto, documents: Documents, path: Path) -> None:
        """Write the model, the documents in its metadata, as one sealed file."""
        path.write_bytes(integrity.seal(_optimised(layout.carrying(network, documents), self._target)))


def _optimised(model: onnx.ModelProto, target: str) -> bytes:
    """The model in the ORT format. Only a session can write it, and only to a file."""
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.save_model_format", layout.ORT.library_name)
    if target == "accelerator":
        # Accelerators take whole ONNX operators: fusing them is left to the phone, for those not taken.
        options.add_session_config_entry("optimization.minimal_build_optimizations", "save")
    with TemporaryDirectory() as folder:
        written = Path(folder) / "model.ort"
        options.optimized_model_filepath = str(written)
        onnxruntime.InferenceSession(
            model.SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["NchwcTransformer"],  # its memory layout exists on x86 alone
        )
        return written.read_bytes()
