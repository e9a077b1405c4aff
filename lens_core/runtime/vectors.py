"""What every index asks of the vectors it is given."""

import numpy as np

from lens_core.contracts import Floats


def checked(vectors: Floats, dim: int) -> Floats:
    """The same vectors, contiguous in memory.

    Raises ValueError, as it is a mistake of the calling code, unless they are finite ``float32[N, dim]``.
    """
    if vectors.dtype != np.float32 or vectors.ndim != 2 or vectors.shape[1] != dim:
        raise ValueError(f"the index takes float32[N, {dim}], not {vectors.dtype}{list(vectors.shape)}")
    if not np.isfinite(vectors).all():
        raise ValueError("the vectors hold NaN or infinity")
    return np.ascontiguousarray(vectors)
