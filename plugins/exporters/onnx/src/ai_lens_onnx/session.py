"""Opens a sealed file with ONNX Runtime, and answers from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from ai_lens_onnx import layout
from lens_core.artifacts.metadata import to_documents
from lens_core.contracts import Documents, Floats, Pixels, RuntimeOptions
from lens_core.errors import BadSettingError, ModelLoadError
from lens_core.runtime.arrays import checked_photos

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]

CPU = "CPUExecutionProvider"


def _are_provider_names(_: object, __: object, names: tuple[str, ...]) -> None:
    if not names or not all(name.endswith("ExecutionProvider") for name in names):
        raise ValueError(f"expected a list of names such as [{CPU}]")


@attrs.frozen
class SessionOptions(RuntimeOptions):
    """What an answer may use of the machine."""

    providers: tuple[str, ...] = attrs.field(default=(CPU,), validator=_are_provider_names)
    """Execution providers, best first. What they cannot do, the CPU does."""


class SessionRuntime:
    """An opened file. Several threads may call :meth:`run` at once."""

    def __init__(self, path: Path, content: bytes, kind: layout.Format, options: SessionOptions) -> None:
        self._session = _open(path, content, kind, options)
        self.documents: Documents = _documents(path, self._session)
        self._size = _input_size(path, self._session)

    def run(self, images: Pixels) -> tuple[Floats, Floats]:
        """uint8[N, S, S, 3] -> (L2-normalised embeddings float32[N, D], logits float32[N, C]).

        Raises ValueError for another dtype or shape: a mistake of the calling code.
        """
        photos = checked_photos(images, self._size)
        embeddings, logits = self._session.run(layout.OUTPUTS, {layout.INPUT: photos})
        return embeddings, logits


def _open(
    path: Path, content: bytes, kind: layout.Format, options: SessionOptions
) -> onnxruntime.InferenceSession:
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # what ORT_DISABLE_TELEMETRY does not stop on Windows
    _check_available(options.providers, onnxruntime.get_available_providers())
    try:
        session = onnxruntime.InferenceSession(
            content,
            _library_options(kind, options.share),
            providers=list(options.providers),
            enable_fallback=0,  # else it prints to stdout and takes the CPU
        )
    except Exception as error:
        raise ModelLoadError(
            f"{path} cannot be opened by ONNX Runtime: {' '.join(str(error).split()).rstrip('.')}.",
            "Check that ai-lens made the file, and that ONNX Runtime here "
            f"({onnxruntime.__version__}) is not older than the one it was exported with.",
        ) from error
    missing = [name for name in options.providers if name not in session.get_providers()]
    if missing:
        raise ModelLoadError(
            f"{', '.join(missing)} did not start for {path}.",
            "Check its driver, or leave it out of providers.",
        )
    return session


def _check_available(asked: tuple[str, ...], available: list[str]) -> None:
    for name in asked:
        if name not in available:
            raise BadSettingError(
                f"This build of ONNX Runtime has no {name}; it has {', '.join(available)}.",
                "Install a build that has it, or choose one of these in providers.",
            )


def _library_options(kind: layout.Format, threads: int | None) -> onnxruntime.SessionOptions:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0  # 0: one per physical core
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; what follows is for the developers of ONNX Runtime
    options.add_session_config_entry("session.load_model_format", kind.library_name)
    # Only .ort files for accelerators have any: what the accelerator does not take is optimised for the CPU.
    options.add_session_config_entry("session.enable_saved_runtime_optimizations", "1")
    return options


def _documents(path: Path, session: onnxruntime.InferenceSession) -> Documents:
    try:
        return to_documents(session.get_modelmeta().custom_metadata_map)
    except ValueError as error:
        raise ModelLoadError(f"{path} holds a document that cannot be read: {error}.") from error


def _input_size(path: Path, session: onnxruntime.InferenceSession) -> int:
    """Side of the photos the network takes, in pixels."""
    inputs = {item.name: item.shape for item in session.get_inputs()}
    outputs = [item.name for item in session.get_outputs()]
    match inputs.get(layout.INPUT):
        case [_, int(size), int(), 3] if len(inputs) == 1 and outputs == layout.OUTPUTS:
            return size
    raise ModelLoadError(f"{path} is a model for ONNX Runtime, but not one that ai-lens exported.")
