"""Answers from two matrices in a sealed file: pixels -> embedding -> cosines."""

from pathlib import Path

import numpy as np
import safetensors.numpy

from lens_core import hookimpl
from lens_core.artifacts import container
from lens_core.artifacts.gallery import normalise
from lens_core.contracts import Floats, Pixels, Runtime
from lens_core.errors import ModelLoadError


@hookimpl
def make_runtime(path: Path) -> Runtime:
    return LinearRuntime(path)


class LinearRuntime:
    def __init__(self, path: Path) -> None:
        self.documents = container.read(path)  # checks the seal before anything is parsed
        try:
            matrices = safetensors.numpy.load(self.documents["linear.safetensors"])
            self.embed, self.directions = matrices["embed"], matrices["directions"]
        except (KeyError, safetensors.SafetensorError) as error:
            raise ModelLoadError(f"{path} holds no matrices: {error}.") from error

    def run(self, images: Pixels) -> tuple[Floats, Floats]:
        flat = images.reshape(len(images), -1)
        if images.dtype != np.uint8 or images.shape[-1] != 3 or flat.shape[1] != self.embed.shape[1]:
            raise ValueError(f"the model takes no {images.dtype}{list(images.shape)}")
        embeddings = normalise((flat / np.float32(255) - np.float32(0.5)) @ self.embed.T)
        return embeddings, embeddings @ self.directions.T
