"""FAISS files: written as a stream, searched where they lie on disk, or copied into memory.

Every file is opened by Python and handed to FAISS as bytes: by name, FAISS calls C's fopen, which cannot open
every name on Windows.
"""

from __future__ import annotations

from mmap import ACCESS_READ, PAGESIZE, mmap
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from lens_core.artifacts.atomic import atomic_path
from lens_core.contracts import Pixels
from lens_core.errors import ModelLoadError

_library: Any = faiss  # its type stubs forget the readers and writers


def write(index: faiss.Index, path: Path) -> None:
    """Whole or not at all. Raises CannotWriteError (E700)."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        faiss.write_index(index, _library.PyCallbackIOWriter(file.write))


def map_file(path: Path) -> mmap:
    """The bytes of a file, read from disk when they are looked at. Raises ModelLoadError (E200)."""
    try:
        with path.open("rb") as file:
            return mmap(file.fileno(), 0, access=ACCESS_READ)
    except OSError as error:
        raise ModelLoadError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:  # a file of no bytes cannot be mapped
        raise ModelLoadError(f"{path} is empty.") from error


def open_mapped(file: mmap) -> faiss.Index:
    """An index that looks at the bytes of ``file``, which must outlive it.

    Raises RuntimeError when they are no index.
    """
    # Of FAISS's readers only this one copies none of the three kinds (measured on 1.15.1).
    reader = _library.ZeroCopyIOReader(faiss.swig_ptr(_bytes(file)), len(file))
    return faiss.read_index(reader, faiss.IO_FLAG_MMAP_IFC)


def open_copied(file: mmap) -> faiss.Index:
    """The same index in memory of its own: FAISS ends the whole process when a mapped one is changed."""
    file.seek(0)
    return faiss.read_index(_library.PyCallbackIOReader(file.read))


def touch(file: mmap) -> None:
    """Bring every page into memory."""
    _bytes(file)[::PAGESIZE].max(initial=0)


def _bytes(file: mmap) -> Pixels:
    return np.frombuffer(file, np.uint8)
