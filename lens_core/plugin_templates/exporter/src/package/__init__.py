"""Models as ONNX in a sealed zip, which any zip tool unpacks: one exporter, and the runtime that opens it."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lens_core import hookimpl
from lens_core.artifacts import container
from lens_core.contracts import Documents, Exporter, Floats, Pixels, Runtime
from lens_core.errors import ModelLoadError

if TYPE_CHECKING:
    import torch

NETWORK, INPUT, OUTPUTS = "network.onnx", "images", ["embeddings", "logits"]


@hookimpl
def make_exporter() -> Exporter:
    return BoxedExporter()


@hookimpl
def make_runtime(path: Path) -> Runtime:
    return BoxedRuntime(path)


class BoxedExporter:
    suffix = ".$name"

    def convert(self, module: "torch.nn.Module", example: "torch.Tensor") -> bytes:
        import torch

        network = io.BytesIO()
        torch.onnx.export(
            module.eval(),
            (example,),
            network,
            dynamo=False,
            input_names=[INPUT],
            output_names=OUTPUTS,
            dynamic_axes={name: {0: "batch"} for name in (INPUT, *OUTPUTS)},
        )
        return network.getvalue()

    def write(self, network: bytes, documents: Documents, path: Path) -> None:
        container.write(path, {**documents, NETWORK: network})


class BoxedRuntime:
    def __init__(self, path: Path) -> None:
        import onnxruntime

        documents = container.read(path)  # checks the seal before anything is parsed
        if NETWORK not in documents:
            raise ModelLoadError(f"{path} holds no network.")
        network = documents.pop(NETWORK)
        self.documents = documents
        self.session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
        self.photo = self.session.get_inputs()[0].shape[1:]

    def run(self, images: Pixels) -> tuple[Floats, Floats]:
        if images.dtype != np.uint8 or list(images.shape[1:]) != self.photo:
            raise ValueError(f"takes uint8[N, {self.photo}], not {images.dtype}{list(images.shape)}")
        embeddings, logits = self.session.run(OUTPUTS, {INPUT: np.ascontiguousarray(images)})
        return embeddings, logits
