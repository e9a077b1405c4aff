"""The built-in runtime ``ckpt``: answers straight from a checkpoint, with PyTorch."""

from __future__ import annotations

from pathlib import Path

import torch

from lens_core.contracts import Floats, NoOptions, Pixels, Runtime
from lens_core.hookspecs import hookimpl
from lens_core.training import checkpoint


@hookimpl
def make_runtime(path: Path, options: NoOptions) -> Runtime:
    return CheckpointRuntime(path)


class CheckpointRuntime:
    """Runs the network as it was trained."""

    def __init__(self, path: Path) -> None:
        self._net, self.documents = checkpoint.load(path)

    def run(self, images: Pixels) -> tuple[Floats, Floats]:
        with torch.inference_mode():
            embeddings, logits = self._net(torch.from_numpy(images))
        return embeddings.numpy(), logits.numpy()
