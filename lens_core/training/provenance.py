"""Where a model came from: photos, software, machine."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from lens_core import __version__
from lens_core.photos.layout import PhotoFile

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


def data_hash(photos: Sequence[PhotoFile], hashes: Sequence[str]) -> str:
    """One hash over every photo's content and what it shows; file names and order do not matter."""
    lines = sorted(f"{p.place}\0{p.item}\0{h}" for p, h in zip(photos, hashes, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


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
