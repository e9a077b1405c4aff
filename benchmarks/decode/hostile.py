"""Files that are small, or few pixels, and built to fill the memory or the day of whoever reads them."""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "photos" / "golden"))
import golden_files as files
import pillow_heif
from golden_files import SIZE, chunk, png, saved, several
from PIL import Image

MANY = 1_000_000


def _gigabyte() -> bytes:
    squeeze = zlib.compressobj(1)
    return b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(1024)) + squeeze.flush()


def _rows() -> bytes:
    return (b"\0" + bytes(3 * SIZE[0])) * SIZE[1]


def png_of_chunks(kind: bytes, data: bytes, count: int) -> bytes:
    return png(SIZE, _rows(), extra=chunk(kind, data) * count)


def crowded_tags(tags: int, length: int, magic: bytes = b"II*\0") -> bytes:
    """An EXIF block whose tags all claim the same ``length`` bytes."""
    start = 8 + 2 + 12 * tags + 4
    entries = b"".join(struct.pack("<HHII", tag, 7, length, start) for tag in range(1, tags + 1))
    return magic + struct.pack("<IH", 8, tags) + entries + bytes(4) + bytes(length)


def webp_with(kind: bytes, data: bytes, count: int = 1) -> bytes:
    """A WebP in the extended format, with one more chunk behind its picture (WebP container, RFC 9649)."""
    picture = saved("WEBP", lossless=True)[12:]
    flags = {b"EXIF": 8, b"XMP ": 4}.get(kind, 0)
    head = b"VP8X" + struct.pack("<IB3x", 10, flags) + (SIZE[0] - 1).to_bytes(3, "little")
    head += (SIZE[1] - 1).to_bytes(3, "little")
    extra = (kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)) * count
    body = b"WEBP" + head + picture + extra
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_of_frames(count: int) -> bytes:
    content = several("WEBP", lossless=True)
    first = content.index(b"ANMF")
    length = 8 + struct.unpack("<I", content[first + 4 : first + 8])[0]
    body = content[8:first] + content[first : first + length] * count
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg_with(marker: int, data: bytes, count: int) -> bytes:
    content = saved("JPEG")
    segment = struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data
    return content[:2] + segment * count + content[2:]


def mpo_of_frames(count: int) -> bytes:
    """A JPEG whose list of pictures (CIPA DC-007) names its first one so often."""
    entries = struct.pack("<IIIHH", 0x030000, 100, 0, 0, 0) * count
    tags = ((0xB000, 7, 4, b"0100"), (0xB001, 4, 1, struct.pack("<I", count)))
    start = 8 + 2 + 12 * 3 + 4
    table = b"".join(struct.pack("<HHI", tag, kind, n) + value for tag, kind, n, value in tags)
    table += struct.pack("<HHII", 0xB002, 7, len(entries), start)
    index = b"MPF\0II*\0" + struct.pack("<IH", 8, 3) + table + bytes(4) + entries
    return jpeg_with(0xE2, index, 1)


def tiff(
    width: int, height: int, tags: dict[int, tuple[int, int, bytes]], data: bytes, extra: int = 0
) -> bytes:
    """A BigTIFF: tag -> (kind, count, value); ``extra`` private tags follow."""
    known = {256: (4, 1, struct.pack("<I", width)), 257: (4, 1, struct.pack("<I", height)), **tags}
    entries = [(tag, *known[tag]) for tag in sorted(known)]
    entries += [(40000 + number % 25000, 4, 1, bytes(4)) for number in range(extra)]
    start = 16 + 8 + 20 * len(entries) + 8
    table, behind = b"", b""
    parts = []
    for tag, kind, count, value in entries:
        if len(value) > 8:
            parts.append(struct.pack("<HHQQ", tag, kind, count, start + len(data) + len(behind)))
            behind += value
        else:
            parts.append(struct.pack("<HHQ", tag, kind, count) + value.ljust(8, b"\0"))
    table = b"".join(parts)
    return b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, len(entries)) + table + bytes(8) + data + behind


def _grey(
    compression: int, strips: int, rows: int, data: bytes, base: int
) -> dict[int, tuple[int, int, bytes]]:
    where = struct.pack("<Q", base) * strips
    length = struct.pack("<Q", len(data)) * strips
    short = lambda value: (3, 1, struct.pack("<H", value))  # noqa: E731
    return {
        258: short(8),
        259: short(compression),
        262: short(1),
        277: short(1),
        278: short(rows),
        273: (16, strips, where),
        279: (16, strips, length),
    }


def tiff_of_strips(compression: int) -> bytes:
    """A strip a row, a million and more of them, all the same bytes of the file."""
    rows = 50 * 1024 * 1024 // 32
    data = zlib.compress(bytes(32)) if compression == 8 else bytes(32)
    base = 16 + 8 + 20 * 9 + 8
    return tiff(32, rows, _grey(compression, rows, 1, data, base), data)


def tiff_of_tags() -> bytes:
    data = bytes(64 * 64)
    base = 16 + 8 + 20 * (9 + MANY) + 8
    return tiff(64, 64, _grey(1, 1, 64, data, base), data, MANY)


def jpeg_of_large_scans(scans: int) -> bytes:
    """Fifty megapixels of nothing, drawn over and over."""
    return files.jpeg_of_many_scans(scans - 10, Image.new("RGB", (8192, 6400), "teal"))


def bmp_of_runs() -> bytes:
    """Fifty megapixels in runs of one pixel."""
    width, height = 8192, 6400
    data = (b"\1\1" * width + b"\0\0") * height + b"\0\1"
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(data), 0, 0, 256, 0) + bytes(1024)
    return b"BM" + struct.pack("<IHHI", 14 + len(head) + len(data), 0, 0, 14 + len(head)) + head + data


def heic_of_tiles(tile: tuple[int, int], rows: int, columns: int, size: tuple[int, int]) -> bytes:
    pillow_heif.register_heif_opener()
    return files.heic_of_tiles(tile, rows, columns, size)


EXIF = b"Exif\0\0"
HOSTILE: dict[str, Callable[[], bytes]] = {
    "PNG: a gigabyte of zTXt": files.png_with_a_gigabyte_of_text,
    "PNG: a gigabyte of iTXt": lambda: png_of_chunks(b"iTXt", b"k\0\x01\0\0\0" + _gigabyte(), 1),
    "PNG: a gigabyte of profile": lambda: png_of_chunks(b"iCCP", b"k\0\0" + _gigabyte(), 1),
    "PNG: a gigabyte of pixels": files.png_with_a_gigabyte_of_pixels,
    "PNG: a million private chunks": lambda: png_of_chunks(b"prVt", b"", MANY),
    "PNG: a million tEXt": lambda: png_of_chunks(b"tEXt", b"k\0v", MANY),
    "PNG: 100,000 zTXt of 100 kB": lambda: png_of_chunks(
        b"zTXt", b"k\0\0" + zlib.compress(bytes(100_000)), 100_000
    ),
    "PNG: EXIF of 60,000 tags of 1 MB": lambda: png_of_chunks(b"eXIf", crowded_tags(60_000, 1 << 20), 1),
    "WebP: EXIF of 60,000 tags of 1 MB": lambda: webp_with(b"EXIF", crowded_tags(60_000, 1 << 20)),
    "WebP: 300 MB of EXIF": lambda: webp_with(b"EXIF", bytes(300 << 20)),
    "WebP: 300 MB of XMP": lambda: webp_with(b"XMP ", b"tiff:Orientation " * (300 << 16)),
    "WebP: a million private chunks": lambda: webp_with(b"prVt", b"", MANY),
    "WebP: 300,000 frames": lambda: webp_of_frames(300_000),
    "JPEG: EXIF of 5,000 tags of 5 kB": lambda: jpeg_with(0xE1, EXIF + crowded_tags(5_000, 5_000), 1),
    "JPEG: 1,000 EXIF segments": lambda: jpeg_with(0xE1, EXIF + crowded_tags(5_000, 5_000), 1_000),
    "JPEG: a million empty comments": lambda: jpeg_with(0xFE, b"", MANY),
    "JPEG: a million profile segments": lambda: jpeg_with(0xE2, b"ICC_PROFILE\0\x01\xff", MANY),
    "JPEG: a million Photoshop segments": lambda: jpeg_with(0xED, b"Photoshop 3.0\0", MANY),
    "JPEG: 4,000 MPO pictures": lambda: mpo_of_frames(4_000),
    "JPEG: 64 scans of 50 megapixels": lambda: jpeg_of_large_scans(64),
    "JPEG: 200 MB of padding": lambda: saved("JPEG")[:2] + b"\xff" * (200 * 1000 * 1000),
    "JPEG: 200 MB of nothing": lambda: saved("JPEG")[:2] + bytes(200 * 1000 * 1000),
    "HEIC: a tile of 16 megapixels named 256 times": lambda: heic_of_tiles(
        (4096, 4096), 16, 16, (4096, 4096)
    ),
    "BMP: 50 megapixels in runs of one": bmp_of_runs,
    "TIFF: 1.6 million strips": lambda: tiff_of_strips(1),
    "TIFF: 1.6 million strips, deflate": lambda: tiff_of_strips(8),
    "TIFF: a million tags": tiff_of_tags,
    "TIFF: a tile of 1.6 gigapixels": files.tiff_with_a_huge_tile,
}
