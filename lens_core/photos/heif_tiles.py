"""How many pixels a HEIF or AVIF file makes its reader decode: phones put a photo together from tiles.

A file of 11 kB that names one tile of 16 megapixels 256 times keeps a reader busy for 20 seconds.
Boxes are those of ISO 14496-12, items and their properties those of ISO 23008-12.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

MOST_BOXES = 20_000
"""In one box, as the reader's own library has it."""
MOST_BYTES_OF_TABLES = 256 * 1024
"""Of what says which item is made of which and how large each is. Phones need some hundred bytes."""
DEEPEST = 8
"""An item made of items made of items: phones need two."""


def most_pixels_decoded(heif: bytes, unknown: int) -> float:
    """The pixels of the costliest item and of all that it is made of; infinite where counting takes too long.

    An item that does not say its size counts as ``unknown`` pixels. Raises struct.error or IndexError where
    the file is damaged.
    """
    inside = [meta[4:] for meta in _find(memoryview(heif), b"meta")]
    references = [table for meta in inside for table in _find(meta, b"iref")]
    properties = [table for meta in inside for table in _find(meta, b"iprp")]
    associations = [table for iprp in properties for table in _find(iprp, b"ipma")]
    if sum(map(len, references + associations)) > MOST_BYTES_OF_TABLES:
        return float("inf")
    parts, sizes = _parts(references), _sizes(properties, associations)
    sizes = {item: unknown for named in parts.values() for item in named} | sizes
    costs: dict[tuple[int, int], float] = {}
    return max((_cost(item, parts, sizes, costs, DEEPEST) for item in parts), default=0)


def _cost(
    item: int,
    parts: dict[int, list[int]],
    sizes: dict[int, int],
    costs: dict[tuple[int, int], float],
    depth: int,
) -> float:
    if depth == 0:
        return float("inf")
    if (item, depth) not in costs:
        inside = sum(_cost(part, parts, sizes, costs, depth - 1) for part in parts.get(item, ()))
        costs[item, depth] = sizes.get(item, 0) + inside
    return costs[item, depth]


def _parts(references: list[memoryview]) -> dict[int, list[int]]:
    """Item: the items it is derived from (8.11.12 of ISO 14496-12), each as often as it is named."""
    parts: dict[int, list[int]] = {}
    for table in references:
        kind = "H" if table[0] == 0 else "I"
        for derived in _find(table[4:], b"dimg"):
            item, count = struct.unpack_from(f">{kind}H", derived)
            named = struct.unpack_from(f">{count}{kind}", derived, struct.calcsize(f">{kind}H"))
            parts.setdefault(item, []).extend(named)
    return parts


def _sizes(properties: list[memoryview], associations: list[memoryview]) -> dict[int, int]:
    """Item: its pixels, the most where it claims several sizes."""
    areas = [
        struct.unpack_from(">4xII", content) if kind == b"ispe" else (0, 0)
        for iprp in properties
        for container in _find(iprp, b"ipco")
        for kind, content in _boxes(container)
    ]
    sizes: dict[int, int] = {}
    for table in associations:
        for item, number in _associations(table):
            if 0 < number <= len(areas):
                width, height = areas[number - 1]
                if width * height:
                    sizes[item] = max(sizes.get(item, 0), width * height)
    return sizes


def _associations(content: memoryview) -> Iterator[tuple[int, int]]:
    """(item, number of one of its properties, from 1), by 9.3.1 of ISO 23008-12."""
    kind, wide = "H" if content[0] == 0 else "I", content[3] & 1
    (items,), position = struct.unpack_from(">I", content, 4), 8
    for _ in range(items):
        item, count = struct.unpack_from(f">{kind}B", content, position)
        position += struct.calcsize(f">{kind}B")
        for number in struct.unpack_from(f">{count}{'H' if wide else 'B'}", content, position):
            yield item, number & (0x7FFF if wide else 0x7F)
        position += count * (2 if wide else 1)


def _find(content: memoryview, wanted: bytes) -> Iterator[memoryview]:
    return (inside for kind, inside in _boxes(content) if kind == wanted)


def _boxes(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """(kind, what is inside) of each box."""
    position = 0
    for _ in range(MOST_BOXES):
        if position + 8 > len(content):
            return
        size, head = int.from_bytes(content[position : position + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(content[position + 8 : position + 16], "big"), 16
        end = len(content) if size == 0 else position + max(size, head)
        yield bytes(content[position + 4 : position + 8]), content[position + head : end]
        position = end
