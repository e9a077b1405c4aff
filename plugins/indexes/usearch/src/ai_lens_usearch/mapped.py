"""Opening a saved USearch index where it lies on disk."""

from __future__ import annotations

from pathlib import Path

from usearch.compiled import MetricKind
from usearch.index import Index

from ai_lens_usearch.options import UsearchOptions
from lens_core.contracts import Pixels
from lens_core.errors import DamagedArtifactError, ModelLoadError, WrongGalleryError


def opened(content: Pixels, options: UsearchOptions, *, view: bool) -> Index:
    """The index in these bytes: looking at them (``view``), or copied into memory.

    Raises RuntimeError or ValueError where the bytes are none.
    """
    index = Index.restore(content.data, view=view, expansion_add=options.expansion_add)
    if index is None:
        raise ValueError("there is no index in it")
    return index


def check(index: Index, content: Pixels, path: Path, dim: int) -> None:
    """Is it one that this plugin saved, whole and of vectors of ``dim`` numbers?

    Raises ModelLoadError (E200), WrongGalleryError (E220) or DamagedArtifactError (E210).
    """
    if index.metric_kind != MetricKind.Cos:
        raise ModelLoadError(f"{path} holds another kind of USearch index ({index.metric_kind}).")
    if index.ndim != dim:
        raise WrongGalleryError(f"{path} holds vectors of {index.ndim} numbers, but this model makes {dim}.")
    if index.serialized_length != content.size:
        raise DamagedArtifactError(f"{path} is damaged: it should have {index.serialized_length} bytes.")
