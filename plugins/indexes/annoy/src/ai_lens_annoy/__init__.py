"""ai-lens index on Annoy: a forest of trees, each of which halves the vectors again and again."""

from ai_lens_annoy.options import AnnoyOptions
from lens_core.contracts import VectorIndex
from lens_core.hookspecs import hookimpl


@hookimpl
def options_type() -> type[AnnoyOptions]:
    return AnnoyOptions


@hookimpl
def make_index(options: AnnoyOptions, dim: int) -> VectorIndex:
    """An empty index for vectors of ``dim`` numbers."""
    from ai_lens_annoy.index import Forest

    return Forest(options, dim)
