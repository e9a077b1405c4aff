"""Answers from an exported TorchScript file with PyTorch. Legacy: PyTorch has deprecated the format."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

from ai_lens_torchscript import layout
from lens_core.artifacts import integrity
from lens_core.contracts import Documents, Floats, Pixels, Runtime, RuntimeOptions
from lens_core.errors import ModelLoadError
from lens_core.hookspecs import hookimpl
from lens_core.runtime.arrays import checked_photos

if TYPE_CHECKING:
    import torch


@hookimpl
def options_type() -> type[RuntimeOptions]:
    return RuntimeOptions


@hookimpl
def make_runtime(path: Path, options: RuntimeOptions) -> Runtime:
    """Open a file that ``ai-lens export`` wrote.

    Raises ModelLoadError (E200) when it cannot be read or is not such a file, DamagedArtifactError (E210)
    when its bytes have changed since.
    """
    return TorchScriptRuntime(path, options)


class TorchScriptRuntime:
    """An opened file. Several threads may call :meth:`run` at once."""

    def __init__(self, path: Path, options: RuntimeOptions) -> None:
        content = integrity.read_sealed(path)
        try:
            self.documents: Documents = layout.documents(content)
        except BadZipFile as error:
            raise ModelLoadError(f"{path} is not a TorchScript file: {error}.") from error
        self._network = _open(path, content)
        _use_threads(options.share)
        self._size = _photo_size(path, self._network)

    def run(self, images: Pixels) -> tuple[Floats, Floats]:
        """uint8[N, S, S, 3] -> (L2-normalised embeddings float32[N, D], logits float32[N, C]).

        Raises ValueError for another dtype or shape: a mistake of the calling code.
        """
        import torch

        # PyTorch warns of read-only arrays, and a copy costs nothing beside the network.
        with torch.inference_mode():
            embeddings, logits = self._network(torch.tensor(checked_photos(images, self._size)))
        return embeddings.numpy(), logits.numpy()


def _use_threads(count: int | None) -> None:
    import torch

    if count:
        torch.set_num_threads(count)  # for the whole process: PyTorch knows no other way


def _open(path: Path, content: bytes) -> torch.jit.ScriptModule:
    import torch

    try:
        with layout.quiet():
            script = torch.jit.load(io.BytesIO(content), map_location="cpu")  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ModelLoadError(f"{path} cannot be opened by PyTorch: {reason}.") from error
    network: torch.jit.ScriptModule = script
    return network


def _photo_size(path: Path, network: torch.jit.ScriptModule) -> int:
    """Side of the photos the network takes, in pixels."""
    if not hasattr(network, layout.SIZE):
        raise ModelLoadError(f"{path} is a TorchScript model, but not one that ai-lens exported.")
    return int(getattr(network, layout.SIZE))
