"""The built-in runtime ``ckpt``: answers straight from a checkpoint, with PyTorch."""

from __future__ import annotations

from pathlib import Path

from lens_core.artifacts import container
from lens_core.contracts import Floats, Pixels, Runtime, RuntimeOptions
from lens_core.errors import need_pytorch
from lens_core.hookspecs import hookimpl
from lens_core.runtime.arrays import checked_photos


@hookimpl
def options_type() -> type[RuntimeOptions]:
    return RuntimeOptions


@hookimpl
def make_runtime(path: Path, options: RuntimeOptions) -> Runtime:
    return CheckpointRuntime(path, options)


class CheckpointRuntime:
    """Runs the network as it was trained."""

    def __init__(self, path: Path, options: RuntimeOptions) -> None:
        documents = container.read(path)  # a damaged file is refused before PyTorch is loaded
        need_pytorch("answering from a checkpoint")
        import torch

        from lens_core.training import checkpoint

        if options.share:
            torch.set_num_threads(options.share)  # for the whole process: PyTorch knows no other way
        self._net, self.documents = checkpoint.opened(documents, path)

    def run(self, images: Pixels) -> tuple[Floats, Floats]:
        import torch

        photos = torch.from_numpy(checked_photos(images, self._net.preprocess.size))
        with torch.inference_mode():
            embeddings, logits = self._net(photos)
        return embeddings.numpy(), logits.numpy()
