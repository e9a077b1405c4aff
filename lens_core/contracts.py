"""What plugins return, and the small values that travel between the rooms of the house.

Shapes are written ``dtype[N, D]``. Everything that answers a visitor is numpy; only ``Backbone``, ``Loss``
and ``Exporter`` know PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from attrs import field, frozen
from attrs.validators import ge, in_, le
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Pixels = NDArray[np.uint8]
"""uint8[H, W, 3] or uint8[N, H, W, 3], RGB."""
Floats = NDArray[np.float32]
"""float32 array."""
Rows = NDArray[np.int64]
"""int64 array of row numbers."""


@frozen
class NoOptions:
    """The options of a plugin that has none."""


@frozen(eq=False)
class Photo:
    """A decoded photo: upright, RGB, its long side at most 1024 pixels."""

    pixels: Pixels
    """uint8[H, W, 3]."""
    width: int
    """Width of the upright original, in pixels."""
    height: int
    """Height of the upright original, in pixels."""


@frozen
class Preprocess:
    """How a decoded photo becomes a model's input: the whole photo, padded to a square, then normalised.

    ``mean`` and ``std`` (per channel, for values 0..1) are applied inside the exported graph; everything
    else is done by :func:`lens_core.photos.preprocess.prepare`.
    """

    size: int = field(validator=[ge(1), le(4096)])
    """Side of the square input, in pixels."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = field(default="bicubic", validator=in_(("bicubic", "bilinear")))
    """``bicubic`` or ``bilinear``, as the backbone was trained."""


@frozen
class BackboneOptions:
    """What every backbone must understand; a plugin's own options extend this class."""

    pretrained: bool = True
    """Fetch the published weights. ``False`` builds the bare architecture: a checkpoint fills it."""
    weights: Path | None = None
    """A local ``.safetensors`` file to load instead of a download."""
    img_size: int | None = None
    """Side of the input in pixels; ``None`` lets the plugin choose what it is best at."""


class Backbone(Protocol):
    """A ``torch.nn.Module``: normalised ``float32[N, 3, S, S]`` -> features ``float32[N, dim]``."""

    dim: int
    preprocess: Preprocess
    full_name: str
    """The exact architecture and weights, e.g. ``mobilenetv2_100.ra_in1k``; recorded with every run."""
    licence: str
    """The licence of the weights, or ``unknown``."""

    def __call__(self, images: torch.Tensor) -> torch.Tensor: ...


class Loss(Protocol):
    """A ``torch.nn.Module``: (embeddings ``float32[N, D]``, labels ``int64[N]``) -> a scalar.

    Embeddings come un-normalised; a loss that needs unit vectors normalises them itself.
    """

    def __call__(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor: ...


@runtime_checkable
class ClassScorer(Protocol):
    """A loss that also learns to name classes: one direction per class, compared by cosine.

    Directions share the embedding's space, so an item enrolled later (its photos' mean embedding) is
    scored beside trained ones.
    """

    def class_directions(self) -> torch.Tensor:
        """float32[C, D], L2-normalised."""
        ...

    def start_from(self, directions: torch.Tensor) -> None:
        """Begin at float32[C, D]: the mean embedding of each class's photos."""
        ...


class VectorIndex(Protocol):
    """Nearest neighbours by cosine distance (1 - cosine, 0..2) among L2-normalised vectors."""

    def __len__(self) -> int: ...

    def add(self, vectors: Floats) -> None:
        """Append ``float32[N, D]``; rows are numbered in the order of arrival."""
        ...

    def search(self, queries: Floats, k: int) -> tuple[Floats, Rows]:
        """(distances ``float32[Q, k]``, rows ``int64[Q, k]``), nearest first; ``k`` is at most ``len``."""
        ...

    def remove(self, rows: Rows) -> None:
        """Forget these rows; those behind move up. Raises PluginError where the library cannot."""
        ...

    def save(self, path: Path) -> None:
        """Write the index to one file."""
        ...

    def load(self, path: Path) -> None:
        """Read what ``save`` wrote, memory-mapped where the library can."""
        ...


Documents = Mapping[str, bytes]
"""Named files inside an artifact (``manifest.json``, ``gallery.safetensors``), besides the network."""


class Exporter(Protocol):
    """Writes one file that holds the network and the documents."""

    suffix: str
    """Of the files it writes, e.g. ``.onnx``; a runtime of that name opens them."""

    def export(
        self, module: torch.nn.Module, example: torch.Tensor, documents: Documents, path: Path
    ) -> None:
        """Write ``module`` (uint8[N, S, S, 3] -> embeddings, logits) and ``documents`` to ``path``.

        ``path`` is a temporary file; ai-lens moves it into place once it has been checked.
        """
        ...


class Runtime(Protocol):
    """An opened artifact. Opening checks the file's integrity before any parser sees its bytes."""

    documents: Documents

    def run(self, images: Pixels) -> tuple[Floats, Floats]:
        """uint8[N, S, S, 3] -> (embeddings float32[N, D], L2-normalised; logits float32[N, C]).

        A logit is the cosine (-1..1) between the embedding and the class's direction.
        """
        ...


@frozen
class Finding:
    """Something noticed about a photo or a data set."""

    check: str
    """One word a program can switch on: ``blur``, ``dark``, ``bright`` ..."""
    severity: float
    """0 (just noticeable) .. 1 (as bad as it gets); hints are shown worst first."""
    hints: Mapping[str, str] = field(factory=dict)
    """What to do, by language (``ko``, ``en``), in a visitor's words."""
    measured: float | None = None
    """The figure behind it, in the checker's own unit."""
