"""A small runtime that keeps its contract: two matrices in a sealed zip."""

import numpy as np
import safetensors.numpy

from lens_core import hookimpl
from lens_core.artifacts import container
from lens_core.artifacts.gallery import normalise
from lens_core.errors import ModelLoadError

MATRICES = "matrices.safetensors"


@hookimpl
def make_runtime(path):
    return Runtime(path)


class Runtime:
    def __init__(self, path):
        documents = container.read(path)
        if MATRICES not in documents:
            raise ModelLoadError(f"{path} holds no matrices.")
        matrices = safetensors.numpy.load(documents.pop(MATRICES))
        self.documents = documents
        self.embed, self.directions = matrices["embed"], matrices["directions"]
        self.size = round((self.embed.shape[1] / 3) ** 0.5)

    def run(self, images):
        if images.dtype != np.uint8 or images.shape[1:] != (self.size, self.size, 3):
            raise ValueError("takes uint8[N, S, S, 3]")
        pixels = images.reshape(len(images), -1) / np.float32(255) - np.float32(0.5)
        embeddings = normalise(pixels @ self.embed.T)
        logits = embeddings @ self.directions.T
        return embeddings, logits
