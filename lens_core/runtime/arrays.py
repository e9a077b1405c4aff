"""Arrays that indexes and runtimes are given, checked; mistakes of the calling code are ValueError."""

import mmap
from pathlib import Path

import numpy as np

from lens_core.contracts import Floats, Pixels, Rows
from lens_core.errors import DamagedArtifactError, ModelLoadError

FARTHEST = 2.0
"""The largest cosine distance there is."""


def checked(vectors: Floats, dim: int) -> Floats:
    """The same vectors, contiguous in memory.

    Raises ValueError, as it is a mistake of the calling code, unless they are finite ``float32[N, dim]``.
    """
    if vectors.dtype != np.float32 or vectors.ndim != 2 or vectors.shape[1] != dim:
        raise ValueError(f"the index takes float32[N, {dim}], not {vectors.dtype}{list(vectors.shape)}")
    with np.errstate(all="ignore"):
        sums = vectors.sum(axis=1)  # finite only where all of a row is; asking each takes ten times as long
    if not np.isfinite(sums).all():
        raise ValueError("the vectors hold NaN or infinity")
    return np.ascontiguousarray(vectors)


def checked_k(k: int, count: int) -> int:
    """How many neighbours are wanted. Raises ValueError unless the index has as many vectors."""
    if not 1 <= k <= count:
        raise ValueError(f"k is {k}; it must be between 1 and the {count} vectors of the index")
    return k


def checked_rows(rows: Rows, count: int) -> Rows:
    """Rows to remove, each once. Raises ValueError unless all are rows of the index."""
    unwanted = np.unique(np.asarray(rows, np.int64))
    if unwanted.size and not 0 <= unwanted[0] <= unwanted[-1] < count:
        raise ValueError(f"rows {unwanted.tolist()} are not all among the {count} rows of the index")
    return unwanted


def checked_photos(images: Pixels, size: int) -> Pixels:
    """The same photos. Raises ValueError unless they are ``uint8[N, size, size, 3]``, one at least."""
    if images.dtype != np.uint8 or images.shape[1:] != (size, size, 3) or len(images) == 0:
        wanted = f"uint8[N, {size}, {size}, 3]"
        raise ValueError(f"the model takes {wanted}, not {images.dtype}{list(images.shape)}")
    return images


def map_file(path: Path) -> Pixels:
    """The file's bytes, read from disk when they are touched: uint8[size].

    For libraries that cannot map a file themselves, or on Windows cannot open every name. Raises
    ModelLoadError (E200), or DamagedArtifactError (E210) for an empty file.
    """
    try:
        return np.memmap(path, dtype=np.uint8, mode="r")
    except OSError as error:
        raise ModelLoadError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:  # a file of no bytes cannot be mapped
        raise DamagedArtifactError(f"{path} is empty.") from error


def touch(content: Pixels) -> None:
    """Bring a mapped file into memory: one byte of each page is enough."""
    content[:: mmap.PAGESIZE].max()
