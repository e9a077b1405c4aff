"""ai-lens index on FAISS: exact search, with the vectors of a saved index mapped from disk."""

from lens_core.contracts import VectorIndex
from lens_core.hookspecs import hookimpl


@hookimpl
def make_index(dim: int) -> VectorIndex:
    """An empty exact index for vectors of ``dim`` numbers."""
    from ai_lens_faiss.index import FaissIndex

    return FaissIndex(dim)
