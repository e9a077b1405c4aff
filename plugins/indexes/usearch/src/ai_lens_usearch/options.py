"""What a user may choose. How the defaults were measured is in README.md."""

from attrs import field, frozen
from attrs.validators import ge, in_, le, optional


@frozen
class UsearchOptions:
    """The trade between speed, memory and neighbours found (Malkov and Yashunin, 2018)."""

    dtype: str = field(default="f16", validator=in_(("f32", "f16", "i8")))
    """How each number of a vector is stored: in 32, 16 or 8 bits."""
    connectivity: int = field(default=16, validator=[ge(2), le(256)])
    """Neighbours that each vector knows; HNSW's M."""
    expansion_add: int = field(default=128, validator=[ge(1), le(10_000)])
    """Candidates weighed for each vector while building; HNSW's efConstruction."""
    expansion_search: int | None = field(default=None, validator=optional([ge(1), le(1_000_000)]))
    """Candidates weighed for each question, HNSW's ef; ``None``: one in 200 vectors, at least 256."""
