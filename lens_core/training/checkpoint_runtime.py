"""The built-in runtime ``ckpt``: answers straight from a checkpoint, with PyTorch."""

from __future__ import annotations

from pathlib import Path

from lens_core.contracts import Floats, NoOptions, Pixels, Runtime
from lens_core.hookspecs import hookimpl
from lens_core.runtime.arrays import checked_photos


@hookimpl
def make_runtime(path: Path, options: NoOptions) -> Runtime:
    return CheckpointRuntime(path)


class CheckpointRuntime:
    """Runs the network as it was trained."""

    def __init__(self, path: Path) -> None:
        from lens_core.training import checkpoint

        self._net, self.documents = checkpoint.load(path)

    def run(self, images: Pixels) -> tuple[Floats, Floats]:
        import torch

        photos = torch.from_numpy(checked_photos(images, self._net.preprocess.size))
        with torch.inference_mode():
            embeddings, logits = self._net(photos)
        return embeddings.numpy(), logits.numpy()
