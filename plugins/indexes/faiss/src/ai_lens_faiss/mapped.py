"""Opening a saved FAISS index: checked first, then searched where it lies on disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

import faiss
import numpy as np

from lens_core.artifacts.integrity import SEAL_LENGTH
from lens_core.contracts import Pixels
from lens_core.errors import DamagedArtifactError, ModelLoadError


def open_mapped(path: Path) -> tuple[faiss.Index, Pixels]:
    """The index in a sealed file and the mapped bytes it looks at, which must live as long as the index.

    Raises ModelLoadError (E200) when the file cannot be read, DamagedArtifactError (E210) when its bytes
    are not those that were written.
    """
    content = _map(path)
    _check_seal(path, content)
    # Of the library's flags only IFC maps a flat index; IO_FLAG_MMAP silently copies it (measured on 1.15.1).
    # Reading from our own mapping rather than by name also opens names that C's fopen cannot on Windows.
    reader = faiss.ZeroCopyIOReader(  # type: ignore[attr-defined] # its type stubs forget this class
        faiss.swig_ptr(content), content.size - SEAL_LENGTH
    )
    try:
        return faiss.read_index(reader, faiss.IO_FLAG_MMAP_IFC), content
    except RuntimeError as error:
        raise DamagedArtifactError(f"{path} is not a FAISS index.") from error


def _map(path: Path) -> Pixels:
    try:
        return np.memmap(path, dtype=np.uint8, mode="r")
    except OSError as error:
        raise ModelLoadError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:  # a file of no bytes cannot be mapped
        raise DamagedArtifactError(f"{path} is empty.") from error


def _check_seal(path: Path, content: Pixels) -> None:
    """What integrity.read_sealed does, without holding a copy of the whole index in memory."""
    found = content[-SEAL_LENGTH:].tobytes()
    if hashlib.sha256(content[:-SEAL_LENGTH].data).hexdigest().encode() != found:
        raise DamagedArtifactError(
            f"{path} is damaged or was not made by ai-lens: its bytes do not match the seal at its end."
        )
