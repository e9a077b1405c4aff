"""ai-lens index on USearch: HNSW, a graph in which each vector knows its neighbours."""

from ai_lens_usearch.companions import make_room
from ai_lens_usearch.options import UsearchOptions
from lens_core.contracts import VectorIndex
from lens_core.hookspecs import hookimpl


@hookimpl
def options_type() -> type[UsearchOptions]:
    return UsearchOptions


@hookimpl
def make_index(options: UsearchOptions, dim: int) -> VectorIndex:
    """An empty index for vectors of ``dim`` numbers."""
    make_room()
    from ai_lens_usearch.index import UsearchIndex

    return UsearchIndex(options, dim)
