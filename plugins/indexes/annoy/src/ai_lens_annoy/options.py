"""What a user may choose. How the defaults were measured is in README.md."""

from attrs import field, frozen
from attrs.validators import ge, le, optional


@frozen
class AnnoyOptions:
    """The trade between speed, memory and neighbours found."""

    trees: int = field(default=50, validator=[ge(1), le(1000)])
    """More find more, and make the file larger."""
    search_k: int | None = field(default=None, validator=optional([ge(1), le(2**31 - 1)]))
    """Vectors weighed for each question, those met in several trees counted again.

    ``None``: as many as there are, at least 10,000.
    """
