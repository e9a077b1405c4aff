"""What is computed once and kept: all of it can be made again, so the folder may be deleted at any time."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import safetensors.numpy
from attrs import frozen
from numpy.typing import NDArray

from lens_core.artifacts.atomic import atomic_path, atomic_write
from lens_core.artifacts.integrity import opened
from lens_core.contracts import Pixels
from lens_core.errors import ModelLoadError
from lens_core.photos.reading import photo_bytes

Arrays = Mapping[str, NDArray[Any]]
_BLOCK = 1 << 20
_CHECKSUM = 4
"""Bytes in front of what is kept of a photo."""


def cache_folder() -> Path:
    """``AI_LENS_CACHE_DIR``, or the platform's cache folder."""
    chosen = os.environ.get("AI_LENS_CACHE_DIR")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("ai-lens"))


def file_hash(path: Path) -> str:
    """The SHA-256 of a photo's file. Raises what :func:`lens_core.photos.reading.photo_bytes` raises."""
    return hashlib.sha256(photo_bytes(path, str(path))).hexdigest()


def as_file(content: Pixels, sha256: str) -> Path:
    """A file of these bytes, uint8[size], for libraries that map a file of their own. Raises E700.

    Its name is their SHA-256, yet a file that is there is believed only when it holds the same bytes, which
    takes a fraction of the time of hashing it.
    """
    path = cache_folder() / "index" / sha256
    if not _holds(path, content):
        with atomic_path(path) as temporary:
            content.tofile(temporary)
    return path


def _holds(path: Path, content: Pixels) -> bool:
    starts = range(0, len(content), _BLOCK)
    try:
        with opened(path) as file:
            same = all(file.read(_BLOCK) == content[start : start + _BLOCK].tobytes() for start in starts)
            return same and not file.read(1)
    except ModelLoadError:  # not there, or not for us to read
        return False


@frozen
class PhotoCache:
    """Arrays by the content of a photo: one small file per photo, for one way of computing them."""

    folder: Path

    @classmethod
    def of(cls, kind: str, recipe: object) -> PhotoCache:
        """``recipe``: all that the arrays depend on besides the photo; the same repr is the same recipe."""
        return cls(cache_folder() / kind / hashlib.sha256(repr(recipe).encode()).hexdigest()[:24])

    def read(self, photo_hash: str) -> dict[str, NDArray[Any]] | None:
        """None when the photo is not there, or its file is damaged."""
        try:
            kept = (self.folder / photo_hash).read_bytes()
        except OSError:
            return None
        checksum, content = kept[:_CHECKSUM], kept[_CHECKSUM:]
        return safetensors.numpy.load(content) if checksum == _checksum(content) else None

    def write(self, photo_hash: str, arrays: Arrays) -> None:
        """Raises CannotWriteError (E700)."""
        tensors = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
        content = safetensors.numpy.save(tensors)
        atomic_write(self.folder / photo_hash, _checksum(content) + content)


def _checksum(content: bytes) -> bytes:
    """A disk's mistakes are to be noticed; nobody is to be kept from changing his own cache."""
    return zlib.crc32(content).to_bytes(_CHECKSUM, "little")
