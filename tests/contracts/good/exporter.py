"""A small exporter with its runtime that keep their contracts, int8 and all: TorchScript in a sealed zip."""

import io

import numpy as np

from lens_core import hookimpl
from lens_core.artifacts import container
from lens_core.errors import ExportMismatchError, ModelLoadError

NETWORK = "network.pt"


@hookimpl
def make_exporter(name):
    return Exporter(name)


@hookimpl
def make_runtime(path):
    return Runtime(path)


class Exporter:
    def __init__(self, name):
        self.suffix = f".{name}"

    def convert(self, module, example):
        return {NETWORK: traced(module, example)}

    def write(self, network, documents, path):
        container.write(path, {**documents, **network})

    def quantize(self, network, images):
        import torch

        net = torch.jit.load(io.BytesIO(network[NETWORK]))
        with torch.no_grad():
            for weight in net.parameters():
                step = weight.abs().max() / 127
                weight.copy_((weight / step).round() * step)
        return {NETWORK: stored(net)}

    def check_spec(self, module, documents, path):
        import torch

        found = container.read(path)
        network = torch.jit.load(io.BytesIO(found.pop(NETWORK)))
        theirs = [*network.parameters(), *network.buffers()]
        ours = [*module.parameters(), *module.buffers()]
        same = all(any(torch.equal(one, other) for other in theirs) for one in ours)
        if found != dict(documents) or not same:
            raise ExportMismatchError("The file is of another network.")


def traced(module, example):
    import torch

    with torch.no_grad():
        return stored(torch.jit.trace(module, example, check_trace=False))


def stored(network):
    import torch

    written = io.BytesIO()
    torch.jit.save(network, written)
    return written.getvalue()


class Runtime:
    def __init__(self, path):
        import torch

        documents = container.read(path)
        if NETWORK not in documents:
            raise ModelLoadError(f"{path} holds no network.")
        self.network = torch.jit.load(io.BytesIO(documents.pop(NETWORK)))
        self.documents = documents
        self.size = 32

    def run(self, images):
        import torch

        if images.dtype != np.uint8 or images.shape[1:] != (self.size, self.size, 3):
            raise ValueError("takes uint8[N, S, S, 3]")
        with torch.no_grad():
            embeddings, logits = self.network(torch.from_numpy(images.copy()))
        return embeddings.numpy(), logits.numpy()
