"""Answers from OpenVINO's files on Intel and ARM CPUs and Intel GPUs, without PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from ai_lens_openvino import layout
from ai_lens_openvino.library import core, openvino
from lens_core.contracts import Documents, Floats, Pixels, Runtime, RuntimeOptions
from lens_core.errors import BadSettingError, ModelLoadError
from lens_core.hookspecs import hookimpl
from lens_core.runtime.arrays import checked_photos


@attrs.frozen
class OpenVinoRuntimeOptions(RuntimeOptions):
    """On what, and on how much of it, an answer is computed."""

    device: str = "CPU"
    """``CPU``, or a name that OpenVINO gives to another device of this machine, such as ``GPU``."""


@hookimpl
def options_type() -> type[OpenVinoRuntimeOptions]:
    return OpenVinoRuntimeOptions


@hookimpl
def make_runtime(path: Path, options: OpenVinoRuntimeOptions) -> Runtime:
    """Open files that ``ai-lens export`` wrote.

    Raises ModelLoadError (E200) when they cannot be read or are not such files, DamagedArtifactError (E210)
    when their bytes have changed since or do not belong together, BadSettingError (E600) for a device that
    is not there.
    """
    return OpenVinoRuntime(path, options)


class OpenVinoRuntime:
    """An opened pair of files. Several threads may call :meth:`run` at once."""

    def __init__(self, path: Path, options: OpenVinoRuntimeOptions) -> None:
        # Kept, because OpenVINO goes on reading the weights where they are.
        xml, self._weights = layout.read(path)
        _check_device(options.device)
        network = _parse(path, xml, self._weights)
        self.documents: Documents = _documents(path, network)
        self._size = _photo_size(path, network)
        self._compiled = _compile(path, network, options)

    def run(self, images: Pixels) -> tuple[Floats, Floats]:
        """uint8[N, S, S, 3] -> (L2-normalised embeddings float32[N, D], logits float32[N, C]).

        Raises ValueError for another dtype or shape: a mistake of the calling code.
        """
        photos = checked_photos(images, self._size)
        # A request belongs to one thread; making one costs nothing beside the network.
        answer = self._compiled.create_infer_request().infer({layout.INPUT: photos})
        embeddings, logits = (answer[name] for name in layout.OUTPUTS)
        return embeddings, logits


def _check_device(device: str) -> None:
    """Several GPUs are called GPU.0, GPU.1; GPU alone is the first."""
    available = core().available_devices
    if device not in available and device not in {name.partition(".")[0] for name in available}:
        raise BadSettingError(
            f"OpenVINO finds no device '{device}' on this machine.", f"Use one of: {', '.join(available)}."
        )


def _parse(path: Path, xml: bytes, weights: layout.Bytes) -> Any:
    try:
        return core().read_model(xml.decode(), openvino().Tensor(weights, shared_memory=True))
    except Exception as error:
        raise ModelLoadError(f"{path} cannot be opened by OpenVINO: {error}.") from error


def _documents(path: Path, network: Any) -> Documents:
    try:
        return layout.documents(network)
    except ValueError as error:
        raise ModelLoadError(f"{path} holds a document that cannot be read: {error}.") from error


def _photo_size(path: Path, network: Any) -> int:
    """Side of the photos the network takes, in pixels."""
    ports = [*network.inputs, *network.outputs]
    if [port.names for port in ports] != [{layout.INPUT}, *({name} for name in layout.OUTPUTS)]:
        raise ModelLoadError(f"{path} is an OpenVINO model, but not one that ai-lens exported.")
    return int(network.inputs[0].partial_shape[1].get_length())


def _parallelism(options: OpenVinoRuntimeOptions) -> dict[str, Any]:
    """A stream computes one answer at a time; the threads are those of all streams."""
    threads = options.share and {"INFERENCE_NUM_THREADS": options.share * options.at_once}
    if options.at_once == 1:
        return {"PERFORMANCE_HINT": "LATENCY", **(threads or {})}
    return {"NUM_STREAMS": options.at_once, **(threads or {})}


def _compile(path: Path, network: Any, options: OpenVinoRuntimeOptions) -> Any:
    wanted = {
        # Otherwise 16 bits on CPUs that have them, which moves scores by up to 0.1.
        "INFERENCE_PRECISION_HINT": "f32",
        **_parallelism(options),
    }
    try:
        return core().compile_model(network, options.device, wanted)
    except Exception as error:
        raise ModelLoadError(f"{path} cannot run on {options.device}: {error}.") from error
