"""What ``--index-option KEY=VALUE`` may set; the README says how each default was found."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge, in_, le, optional


@frozen
class FaissOptions:
    """The kind, and what may be chosen of it."""

    kind: str = field(default="flat", validator=in_(("flat", "hnsw", "ivfpq")))
    """``flat`` compares with every vector, ``hnsw`` follows a graph, ``ivfpq`` keeps short codes in lists."""

    m: int = field(default=32, validator=[ge(2), le(256)])
    """hnsw: links of each vector to others."""
    ef_construction: int = field(default=100, validator=[ge(1), le(10_000)])
    """hnsw: vectors kept in view while one is added."""
    ef_search: int | None = field(default=None, validator=optional([ge(1), le(1_000_000)]))
    """hnsw: vectors kept in view while a question is answered; None: one in 400 of them, at least 256."""

    nlist: int | None = field(default=None, validator=optional([ge(1), le(1_000_000)]))
    """ivfpq: lists that the vectors are sorted into; None: four times the square root of their number."""
    nprobe: int | None = field(default=None, validator=optional([ge(1), le(1_000_000)]))
    """ivfpq: lists looked at for one question; None: a quarter of them."""
    pq_m: int | None = field(default=None, validator=optional(ge(1)))
    """ivfpq: codes kept of each vector; None: one for every 8 of its numbers."""
    pq_bits: int = field(default=8, validator=[ge(4), le(12)])
    """ivfpq: bits of one code."""
