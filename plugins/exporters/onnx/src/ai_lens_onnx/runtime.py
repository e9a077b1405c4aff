"""Answers from an exported ONNX file on any CPU, without PyTorch."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import numpy as np

from ai_lens_onnx import layout
from lens_core.artifacts import integrity
from lens_core.contracts import Documents, Floats, Pixels, Runtime
from lens_core.errors import ModelLoadError
from lens_core.hookspecs import hookimpl

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]


@attrs.frozen
class OnnxRuntimeOptions:
    """How much of the machine an answer may use."""

    threads: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.ge(1))
    )
    """CPU threads for one answer; ``None`` takes one per physical core."""


@hookimpl
def options_type() -> type[OnnxRuntimeOptions]:
    return OnnxRuntimeOptions


@hookimpl
def make_runtime(path: Path, options: OnnxRuntimeOptions) -> Runtime:
    """Open a file that ``ai-lens export`` wrote.

    Raises ModelLoadError (E200) when it cannot be read or is not such a file, DamagedArtifactError (E210)
    when its bytes have changed since.
    """
    return OnnxRuntime(path, options)


class OnnxRuntime:
    """An opened file. Several threads may call :meth:`run` at once."""

    def __init__(self, path: Path, options: OnnxRuntimeOptions) -> None:
        content = integrity.read_sealed(path)
        if _names_other_files(content):
            raise ModelLoadError(f"{path} keeps its weights in other files, which ai-lens does not follow.")
        self._session = _open(path, content, options.threads)
        self.documents: Documents = _documents(path, self._session)
        self._size = _input_size(path, self._session)

    def run(self, images: Pixels) -> tuple[Floats, Floats]:
        """uint8[N, S, S, 3] -> (L2-normalised embeddings float32[N, D], logits float32[N, C]).

        Raises ValueError for another dtype or shape: a mistake of the calling code.
        """
        photo = (self._size, self._size, 3)
        if images.dtype != np.uint8 or images.shape[1:] != photo or len(images) == 0:
            wanted = f"uint8[N, {self._size}, {self._size}, 3]"
            raise ValueError(f"the model takes {wanted}, not {images.dtype}{list(images.shape)}")
        embeddings, logits = self._session.run(layout.OUTPUTS, {layout.INPUT: images})
        return embeddings, logits


def _open(path: Path, content: bytes, threads: int | None) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0  # 0: the library counts the cores
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; what follows is for the developers of ONNX Runtime
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelLoadError(f"{path} cannot be opened by ONNX Runtime: {error}.") from error


def _documents(path: Path, session: onnxruntime.InferenceSession) -> Documents:
    try:
        return layout.to_documents(session.get_modelmeta().custom_metadata_map)
    except ValueError as error:
        raise ModelLoadError(f"{path} holds a document that cannot be read: {error}.") from error


def _input_size(path: Path, session: onnxruntime.InferenceSession) -> int:
    """Side of the photos the network takes, in pixels."""
    inputs = {item.name: item.shape for item in session.get_inputs()}
    outputs = [item.name for item in session.get_outputs()]
    match inputs.get(layout.INPUT):
        case [_, int(size), int(), 3] if len(inputs) == 1 and outputs == layout.OUTPUTS:
            return size
    raise ModelLoadError(f"{path} is an ONNX model, but not one that ai-lens exported.")


# TensorProto.external_data names its file in an entry whose key is "location": the tag of field 1, the length
# 8 as any protobuf number may be written, the word. Looked for in the bytes, before a parser follows it.
_LOCATION = re.compile(rb"\x0a(?:\x08|\x88\x80*\x00)location")


def _names_other_files(content: bytes) -> bool:
    return b"location" in content and _LOCATION.search(content) is not None
