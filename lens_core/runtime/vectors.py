"""What every index asks of what it is given; mistakes of the calling code are ValueError."""

import numpy as np

from lens_core.contracts import Floats, Rows


def checked(vectors: Floats, dim: int) -> Floats:
    """The same vectors, contiguous in memory.

    Raises ValueError, as it is a mistake of the calling code, unless they are finite ``float32[N, dim]``.
    """
    if vectors.dtype != np.float32 or vectors.ndim != 2 or vectors.shape[1] != dim:
        raise ValueError(f"the index takes float32[N, {dim}], not {vectors.dtype}{list(vectors.shape)}")
    if not np.isfinite(vectors).all():
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
