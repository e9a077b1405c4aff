"""Where a model came from: photos, software, machine."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from lens_core import __version__
from lens_core.photos.layout import Dataset

_RECORDED = (
    "ai-lens-helper",
    "numpy",
    "pillow",
    "pytorch-metric-learning",
    "safetensors",
    "scikit-learn",
    "timm",
    "torch",
    "torchvision",
)


def record(dataset: Dataset, hashes: Sequence[str]) -> dict[str, Any]:
    """For the manifest: one hash over every photo's content and what it shows, and the environment.

    File names and their order do not matter to the hash.
    """
    return {
        "data_hash": data_hash(dataset, hashes),
        "photos": len(dataset.photos),
        "environment": environment(),
    }


def data_hash(dataset: Dataset, hashes: Sequence[str]) -> str:
    """One hash over every photo's content (the SHA-256 of each is given) and what it shows."""
    lines = sorted(f"{p.place}\0{p.item}\0{h}" for p, h in zip(dataset.photos, hashes, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def per_file(dataset: Dataset, hashes: Sequence[str]) -> dict[str, str]:
    """The SHA-256 of each photo by its path inside the data folder."""
    return {
        dataset.inside(photo): photo_hash for photo, photo_hash in zip(dataset.photos, hashes, strict=True)
    }


def environment() -> dict[str, Any]:
    """Python, machine and the versions of the libraries that shape the numbers."""
    versions = {}
    for name in _RECORDED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {"python": sys.version.split()[0], "platform": platform.platform(), "packages": versions}


def made_by() -> str:
    return f"ai-lens-helper {__version__}"
