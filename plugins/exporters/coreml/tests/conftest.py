import platform
from pathlib import Path

import numpy as np
import pytest

from lens_core.quiet import quietly


class StandIn:
    """MLModel where there is no Core ML: the written program, worked out operator by operator."""

    def __init__(self, path):
        with quietly():
            from ai_lens_coreml import evaluating, package
            from coremltools.proto import Model_pb2

        self._specification = Model_pb2.Model.FromString(package.read(Path(path)))
        self._main = evaluating.program(self._specification, str(Path(path) / package.WEIGHTS))

    def get_spec(self):
        return self._specification

    def predict(self, questions):
        return [self._answer(**question) for question in questions]

    def _answer(self, image):
        import torch
        from ai_lens_coreml import evaluating

        assert image.mode == "RGB"
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float()
        embeddings, logits = evaluating.answer(self._main, pixels)
        return {"embeddings": embeddings.numpy(), "logits": logits.numpy()}


@pytest.fixture
def core_ml(monkeypatch):
    """Core ML itself on a Mac; elsewhere something that answers as it should."""
    if platform.system() != "Darwin":
        monkeypatch.setattr("ai_lens_coreml.runtime.system", lambda: "Darwin")
        monkeypatch.setattr("ai_lens_coreml.runtime._open", StandIn)
