"""What a user may choose. How the defaults were measured is in README.md."""

from attrs import field, frozen
from attrs.validators import ge, le, optional


@frozen
class ScannOptions:
    """The trade between speed and neighbours found. None of it matters below 5,000 vectors."""

    leaves: int | None = field(default=None, validator=optional([ge(1), le(1_000_000)]))
    """Partitions; ``None``: from 200,000 vectors on, their square root; of fewer vectors, one."""
    leaves_to_search: int | None = field(default=None, validator=optional([ge(1), le(1_000_000)]))
    """Partitions looked into for each question; ``None``: half of them."""
    reorder: int = field(default=100, validator=[ge(1), le(1_000_000)])
    """Candidates found by their short codes that are compared by their full vectors."""
