"""ai-lens index on ScaNN: vectors in partitions, as short codes that a processor compares many at a time."""

from ai_lens_scann.options import ScannOptions
from lens_core.contracts import VectorIndex
from lens_core.hookspecs import hookimpl


@hookimpl
def options_type() -> type[ScannOptions]:
    return ScannOptions


@hookimpl
def make_index(options: ScannOptions, dim: int) -> VectorIndex:
    """An empty index for vectors of ``dim`` numbers. Raises NotInstalledError (E410) without ScaNN."""
    from ai_lens_scann.index import ScannIndex
    from ai_lens_scann.library import scann_library

    return ScannIndex(scann_library(), options, dim)
