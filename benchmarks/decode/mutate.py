"""Damaged photos without end: input N is always the same bytes, so its number is all there is to keep."""

from __future__ import annotations

import io
import random
import struct
import sys
import zlib
from pathlib import Path

import pillow_heif
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "photos" / "golden"))
from golden_profiles import display_p3
from golden_table import GOLDEN
from shared import SHARED

REAL = SHARED / "photos" / "exif"
SIDE = 160
"""Real photos are made this small: what is tried is their structure, and small ones are tried more often."""
HEADER = 2000
"""Most that a reader believes stands in so many first bytes; half of the changes are made there."""
TELLING = (
    b"\0",
    b"\x01",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\xff\xff",
    b"\0\0\0\0",
    b"\x7f\xff\xff\xff",
    b"\xff" * 4,
)
"""Numbers that are the ends of a range, and so break whoever counts with them."""
LONGEST_LOOP = 3000


def whole_photos() -> list[bytes]:
    """The golden files, and real photos with the EXIF block of their camera in every format."""
    pillow_heif.register_heif_opener()
    golden = [make() for make, _ in GOLDEN.values()]
    real = [_small(path, kind) for path in sorted(REAL.iterdir()) for kind in ("JPEG", "PNG", "WEBP", "TIFF")]
    modern = [_small(path, kind) for path in sorted(REAL.iterdir())[::4] for kind in ("HEIF", "AVIF", "MPO")]
    return golden + real + modern


def _small(path: Path, kind: str) -> bytes:
    file = io.BytesIO()
    with Image.open(path) as photo:
        photo.thumbnail((SIDE, SIDE))
        exif = photo.getexif()
        for size in (0x0100, 0x0101, 0x0102):  # a TIFF would count as that large
            exif.pop(size, None)
        photo.save(file, kind, exif=exif.tobytes(), icc_profile=display_p3())
    return file.getvalue()


def damaged(number: int, wholes: list[bytes], seed: int) -> bytes:
    """Input ``number`` of those that begin with ``seed``."""
    chance = random.Random(f"{seed} {number}")  # noqa: S311
    content = bytearray(wholes[number % len(wholes)])
    for _ in range(chance.choice((1, 1, 2, 3, 5, 8, 20))):
        chance.choice(CHANGES)(content, chance, wholes)
    if content.startswith(b"\x89PNG") and chance.random() < 0.8:
        return _with_right_sums(bytes(content))
    return bytes(content)


def _spot(content: bytearray, chance: random.Random) -> int:
    return chance.randrange(1 + (min(len(content), HEADER) if chance.random() < 0.5 else len(content)))


def _flip(content: bytearray, chance: random.Random, _: list[bytes]) -> None:
    if content:
        content[_spot(content, chance) - 1] ^= 1 << chance.randrange(8)


def _overwrite(content: bytearray, chance: random.Random, _: list[bytes]) -> None:
    spot, value = _spot(content, chance), chance.choice((*TELLING, chance.randbytes(4)))
    content[spot : spot + len(value)] = value


def _count_on(content: bytearray, chance: random.Random, _: list[bytes]) -> None:
    spot = _spot(content, chance) - 1
    if content:
        content[spot] = (content[spot] + chance.randint(-4, 4)) % 256


def _remove(content: bytearray, chance: random.Random, _: list[bytes]) -> None:
    spot = _spot(content, chance)
    del content[spot : spot + chance.choice((1, 2, 4, 8, 100))]


def _repeat(content: bytearray, chance: random.Random, _: list[bytes]) -> None:
    spot, length = _spot(content, chance), chance.choice((1, 4, 12, 30, 200))
    part = content[spot : spot + length]
    content[spot:spot] = part * chance.choice((1, 2, 1 + LONGEST_LOOP // length))


def _cut(content: bytearray, chance: random.Random, _: list[bytes]) -> None:
    if chance.random() < 0.3:  # else most of what is tried would be cut
        del content[_spot(content, chance) :]


def _mix(content: bytearray, chance: random.Random, wholes: list[bytes]) -> None:
    other = chance.choice(wholes)
    spot, start = _spot(content, chance), chance.randrange(len(other) + 1)
    length = chance.choice((4, 16, 64, 500))
    content[spot : spot + length] = other[start : start + length]


CHANGES = (_flip, _flip, _overwrite, _overwrite, _count_on, _count_on, _remove, _repeat, _cut, _mix)


def _with_right_sums(png: bytes) -> bytes:
    """The same chunks with check sums that fit: else every change of a PNG is found out by its sum."""
    found, position = [png[:8]], 8
    while position + 12 <= len(png):
        (length,) = struct.unpack(">I", png[position : position + 4])
        if position + 12 + length > len(png):
            break
        body = png[position + 4 : position + 8 + length]
        found.append(struct.pack(">I", length) + body + struct.pack(">I", zlib.crc32(body)))
        position += 12 + length
    return b"".join(found) + png[position:]
