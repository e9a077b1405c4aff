"""Answers from an exported ONNX file, without PyTorch."""

from __future__ import annotations

import re
from pathlib import Path

from ai_lens_onnx import layout
from ai_lens_onnx.session import SessionOptions, SessionRuntime
from lens_core.artifacts import integrity
from lens_core.contracts import Runtime
from lens_core.errors import ModelLoadError
from lens_core.hookspecs import hookimpl


@hookimpl
def options_type() -> type[SessionOptions]:
    return SessionOptions


@hookimpl
def make_runtime(path: Path, options: SessionOptions) -> Runtime:
    """Open a file that the exporter ``onnx`` wrote.

    Raises ModelLoadError (E200) when it cannot be read or is not such a file, DamagedArtifactError (E210)
    when its bytes have changed since, BadSettingError (E600) for a provider that is not there.
    """
    content = integrity.read_sealed(path)
    if _names_other_files(content):
        raise ModelLoadError(f"{path} keeps its weights in other files, which ai-lens does not follow.")
    return SessionRuntime(path, content, layout.ONNX, options)


# TensorProto.external_data names its file in an entry whose key is "location": the tag of field 1, the length
# 8, the word; both numbers as protobuf may write them. Looked for in the bytes, before a parser follows it.
_LOCATION = re.compile(rb"(?:\x0a|\x8a\x80*\x00)(?:\x08|\x88\x80*\x00)location")


def _names_other_files(content: bytes) -> bool:
    return b"location" in content and _LOCATION.search(content) is not None
