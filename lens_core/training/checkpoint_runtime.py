"""The built-in runtime ``ckpt``: answers straight from a checkpoint, with PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lens_core.contracts import Floats, NoOptions, Pixels, Runtime
from lens_core.hookspecs import hookimpl


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

        size = self._net.preprocess.size
        if images.dtype != np.uint8 or images.shape[1:] != (size, size, 3) or len(images) == 0:
            wanted = f"uint8[N, {size}, {size}, 3]"
            raise ValueError(f"the model takes {wanted}, not {images.dtype}{list(images.shape)}")
        with torch.inference_mode():
            embeddings, logits = self._net(torch.from_numpy(images))
        return embeddings.numpy(), logits.numpy()
