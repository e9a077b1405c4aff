"""ai-lens index on FAISS: exact (flat), a graph (hnsw) or compressed lists (ivfpq), mapped from disk."""

from ai_lens_faiss.options import FaissOptions
from lens_core.contracts import VectorIndex
from lens_core.hookspecs import hookimpl


@hookimpl
def options_type() -> type[FaissOptions]:
    """What ``--index-option`` may set."""
    return FaissOptions


@hookimpl
def make_index(options: FaissOptions, dim: int) -> VectorIndex:
    """An empty index for vectors of ``dim`` numbers.

    Raises BadSettingError (E600) when ``options`` do not fit vectors of that length.
    """
    from ai_lens_faiss.index import FaissIndex

    return FaissIndex(options, dim)
