"""What plugins return, and the small values that travel between the rooms of the house.

Shapes are written ``dtype[N, D]``. Everything that answers a visitor is numpy; only ``Backbone``, ``Loss``
and ``Exporter`` know PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from attrs import field, frozen
from attrs.converters import optional
from attrs.validators import deep_mapping, ge, in_, instance_of, le
from attrs.validators import optional as unless_none
from numpy.typing import NDArray

from lens_core.parallel import cores

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
    notes: tuple[str, ...] = ()
    """How it was read, in words for a person: ``shows the first of several pictures in the file``."""


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


MOST_THREADS = 256
"""Each takes memory, and libraries start as many as they are told to."""


@frozen
class RuntimeOptions:
    """What every runtime should understand; a plugin's own options extend this class."""

    threads: int | None = field(default=None, validator=unless_none([ge(1), le(MOST_THREADS)]))
    """CPU threads for one answer; ``None`` shares the cores among those that ask at once."""
    at_once: int = field(default=1, validator=[ge(1), le(MOST_THREADS)])
    """How many threads ask at the same time; ``infer-batch`` sets it to its workers."""

    @property
    def share(self) -> int | None:
        """CPU threads to compute one answer with; ``None``: as many as the library finds best."""
        if self.threads is None and self.at_once > 1:
            return max(1, cores() // self.at_once)
        return self.threads


class Backbone(Protocol):
    """A ``torch.nn.Module``: normalised ``float32[N, 3, S, S]`` -> features ``float32[N, dim]``."""

    dim: int
    preprocess: Preprocess
    full_name: str
    """The exact architecture and weights, e.g. ``mobilenetv2_100.ra_in1k``; recorded with every run."""
    licence: str
    """The licence of the weights, or ``unknown``."""

    def __call__(self, images: torch.Tensor) -> torch.Tensor: ...


@runtime_checkable
class Layered(Protocol):
    """A backbone that tells its layers apart, so that its last ones may be trained alone, or faster."""

    def layers(self) -> list[list[str]]:
        """Names of its parameters, layer by layer from the photo to the features; each in one layer."""
        ...


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


@runtime_checkable
class ClassWeighted(Protocol):
    """A loss in which the photos of some classes can count more than those of others."""

    def weigh(self, weights: torch.Tensor) -> None:
        """From now on a photo of class c counts ``weights[c]`` times: float32[C], 1 on average."""
        ...


class VectorIndex(Protocol):
    """Nearest neighbours by cosine distance (1 - cosine, 0..2) among L2-normalised vectors.

    An index only points at candidates: ai-lens computes the distance it decides by from the gallery itself,
    so an index may store its vectors as coarsely as it likes.
    """

    def __len__(self) -> int: ...

    def build(self, vectors: Floats) -> None:
        """Index ``float32[N, D]`` in place of what was there; rows are numbered in their order.

        The vectors are the gallery's own, often mapped from its file, and stay as they are as long as the
        index is used: one that compares with the vectors themselves need not copy them.
        """
        ...

    def add(self, vectors: Floats) -> None:
        """Append ``float32[N, D]``. Raises CannotDoError (E460) where the library cannot."""
        ...

    def search(self, queries: Floats, k: int) -> tuple[Floats, Rows]:
        """(distances ``float32[Q, k]``, rows ``int64[Q, k]``), nearest first; ``k`` is at most ``len``.

        Where an approximate search finds fewer than ``k``, the rest are row -1 at distance 2.
        """
        ...

    def remove(self, rows: Rows) -> None:
        """Forget these rows; those behind move up. Raises CannotDoError (E460) where the library cannot."""
        ...


class StoredIndex(VectorIndex, Protocol):
    """An index that takes long to build: gallery files hold it ready. One without these is built when asked.

    The three come together.
    """

    def save(self, path: Path) -> None:
        """Write the index to one file."""
        ...

    def load(self, path: Path) -> None:
        """Read what ``save`` wrote, memory-mapped where the library can.

        ai-lens has checked that the bytes are those that were saved. Raises ModelLoadError (E200) or
        DamagedArtifactError (E210) for a file of another kind, WrongGalleryError (E220) for vectors of
        another length.
        """
        ...

    def warm_up(self) -> None:
        """Bring a mapped file into memory, so that the first question is as quick as the others."""
        ...


Documents = Mapping[str, bytes]
"""Named files inside an artifact (``manifest.json``, ``gallery.safetensors``), besides the network."""


class Exporter(Protocol):
    """Converts a network and writes it, with the documents, in a format of its own."""

    suffix: str
    """Of the files it writes, e.g. ``.onnx``; a runtime of that name opens them."""

    def convert(self, module: torch.nn.Module, example: torch.Tensor) -> Any:
        """``module`` (uint8[N, S, S, 3] -> embeddings, logits) in the exporter's own representation.

        Any number of photos may be asked of the result at once, whatever the size of ``example``.
        """
        ...

    def write(self, network: Any, documents: Documents, path: Path) -> None:
        """Write a converted network and the documents to ``path``, which ends in ``suffix``.

        ``path`` is in a folder of its own: what the format needs besides may be written next to it, under the
        same stem. ai-lens checks the result, writes it once more with its certificate among the documents,
        and moves everything into place.
        """
        ...


class Quantizer(Protocol):
    """An exporter that can also make int8 networks."""

    def quantize(self, network: Any, images: Pixels) -> Any:
        """An int8 version of what ``convert`` returned, calibrated on photos uint8[N, S, S, 3].

        They are of every place and item in turn: the first of them are as good a choice as any.
        """
        ...


class HalfPrecision(Protocol):
    """An exporter that can be told, by an option of its own, to write 16-bit numbers."""

    precision: Literal["fp32", "fp16"]
    """What it writes. Scores of ``fp16`` may differ by 0.01 instead of 0.001; decisions may not differ."""


class SpecChecker(Protocol):
    """An exporter whose files cannot be opened on every machine that can write them."""

    def check_spec(self, module: torch.nn.Module, documents: Documents, path: Path) -> None:
        """Compare the written file with the network and the documents as far as that goes without running it.

        Asked only where the runtime raises CannotRunHereError (E470). Raises ExportMismatchError (E230).
        """
        ...


class Runtime(Protocol):
    """An opened artifact. Opening checks the file's integrity before any parser sees its bytes.

    Where the format cannot run on this machine, opening raises CannotRunHereError (E470).
    """

    documents: Documents

    def run(self, images: Pixels) -> tuple[Floats, Floats]:
        """uint8[N, S, S, 3] -> (embeddings float32[N, D], L2-normalised; logits float32[N, C]).

        A logit is the cosine (-1..1) between the embedding and the class's direction.
        """
        ...


class Tracker(Protocol):
    """Is told how a training goes, and shows it somewhere else: a dashboard, a server, a file."""

    def start(self, run: str, settings: Mapping[str, Any], folder: Path) -> None:
        """A run begins: its name, its settings by dotted key, and its folder, where files may be left."""
        ...

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """After pass ``step`` (from 1) of fine-tuning. A run that is resumed may tell of a pass again."""
        ...

    def conclude(self, figures: Mapping[str, float]) -> None:
        """How good the finished model is, by names such as ``top1/value``."""
        ...

    def close(self, status: Literal["done", "stopped"]) -> None:
        """Nothing more will come; ``stopped`` by a mistake or by somebody. What was told must be safe now.

        It is called also where ``start`` has failed.
        """
        ...


@frozen
class Finding:
    """Something noticed about a photo or a data set."""

    check: str = field(validator=instance_of(str))
    """One word a program can switch on: ``blur``, ``dark``, ``bright`` ..."""
    severity: float = field(converter=float, validator=[ge(0), le(1)])
    """0 (just noticeable) .. 1 (as bad as it gets); hints are shown worst first."""
    hints: Mapping[str, str] = field(factory=dict, validator=deep_mapping(instance_of(str), instance_of(str)))
    """What to do, by language (``ko``, ``en``), in a visitor's words."""
    measured: float | None = field(default=None, converter=optional(float))
    """The figure behind it, in the checker's own unit."""
    where: str = field(default="", validator=instance_of(str))
    """Findings about a data set: the ``place/item`` or the file they are about; empty for all of it."""


def members(contract: type[Any]) -> list[str]:
    """The names that a thing keeping this contract must have."""
    named = [*vars(contract), *getattr(contract, "__annotations__", {})]
    return sorted(name for name in named if not name.startswith("_") or name in ("__call__", "__len__"))
