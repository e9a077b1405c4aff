"""Answers from an exported .ort file, as a phone would, without PyTorch."""

from __future__ import annotations

from pathlib import Path

from ai_lens_onnx import layout
from ai_lens_onnx.session import SessionOptions, SessionRuntime
from lens_core.artifacts import integrity
from lens_core.contracts import Runtime
from lens_core.hookspecs import hookimpl


@hookimpl
def options_type() -> type[SessionOptions]:
    return SessionOptions


@hookimpl
def make_runtime(path: Path, options: SessionOptions) -> Runtime:
    """Open a file that the exporter ``ort-mobile`` wrote.

    Raises ModelLoadError (E200) when it cannot be read or is not such a file, DamagedArtifactError (E210)
    when its bytes have changed since, BadSettingError (E600) for a provider that is not there.
    """
    # A tensor of this format cannot name another file, so there is nothing to refuse here.
    return SessionRuntime(path, integrity.read_sealed(path), layout.ORT, options)
