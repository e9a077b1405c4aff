"""Writes a trained model as a Core ML package, on any machine."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import attrs

from ai_lens_coreml import layout, package
from lens_core.artifacts.metadata import to_metadata
from lens_core.contracts import Documents, Exporter, Pixels
from lens_core.errors import NotInstalledError
from lens_core.hookspecs import hookimpl
from lens_core.quiet import quietly

if TYPE_CHECKING:
    import torch
    from coremltools.models import MLModel  # type: ignore[import-untyped]


@attrs.frozen
class CoreMLOptions:
    """How the Core ML package is written."""

    precision: Literal["float32", "float16"] = "float32"
    """``float32`` answers as the checkpoint does; ``float16`` is half as large and what the Neural Engine
    computes with, but answers a little differently."""


@hookimpl
def options_type() -> type[CoreMLOptions]:
    return CoreMLOptions


@hookimpl
def make_exporter(options: CoreMLOptions) -> Exporter:
    """Raises NotInstalledError (E410) on a machine that can only answer."""
    for library in ("torch", "coremltools"):
        if find_spec(library) is None:
            raise NotInstalledError(
                f"exporter 'coreml' needs '{library}'.", 'Try: pip install "ai-lens-coreml[export]"'
            )
    return CoreMLExporter(options)


class CoreMLExporter:
    """A package that holds the network and the documents, for one photo at a time."""

    suffix = layout.SUFFIX

    def __init__(self, options: CoreMLOptions) -> None:
        self._precision = options.precision
        self.precision: Literal["fp32", "fp16"] = "fp16" if options.precision == "float16" else "fp32"

    def convert(self, module: torch.nn.Module, example: torch.Tensor) -> MLModel:
        """``module`` (uint8[N, S, S, 3] -> embeddings, logits) as a Core ML model that takes an RGB image.

        Raises BrokenPluginError (E420) when the network has an operation that Core ML does not know.
        """
        with quietly():
            from ai_lens_coreml import converting

            return converting.convert(module, example.shape[1], self._precision)

    def quantize(self, network: MLModel, images: Pixels) -> MLModel:
        """The network with int8 weights. Only they change, not the arithmetic, so no photo is looked at."""
        with quietly():
            from ai_lens_coreml import converting

            return converting.quantize(network)

    def write(self, network: MLModel, documents: Documents, path: Path) -> None:
        """Write the model, the documents in its metadata, as one sealed package."""
        specification = network.get_spec()
        metadata = specification.description.metadata.userDefined
        metadata.pop("com.github.apple.coremltools.conversion_date", None)  # the same model, the same bytes
        metadata.update(to_metadata(documents))
        package.write(path, specification.SerializeToString(deterministic=True), Path(network.weights_dir))

    def check_spec(self, module: torch.nn.Module, documents: Documents, path: Path) -> None:
        """Compare a written package with the network and the documents without Core ML.

        Raises ExportMismatchError (E230) naming what differs; see :mod:`ai_lens_coreml.checking`.
        """
        with quietly():
            from ai_lens_coreml import checking

            checking.check(module, documents, path)
