"""Files that are small, or say they are, and make their reader work for hours or fill the memory."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from PIL import Image

from lens_core.errors import PhotoTooLargeError, PhotoUnreadableError
from lens_core.photos.heif_tiles import most_pixels_decoded

MOST_PIXELS = 50 * 1024 * 1024
"""A "50-megapixel" phone photo just passes."""
MOST_BYTES = 8 * MOST_PIXELS
"""The most pixels in the widest format there is (16-bit RGBA), stored without compression."""
MOST_BYTES_COMPRESSED = 4 * MOST_PIXELS
"""Of the formats that always compress. A phone's 50-megapixel photo with its video has a tenth."""
MOST_PIXELS_OF_TILES = 4 * MOST_PIXELS
"""Of a HEIC with all it is made of. A phone's photo and its tiles are twice its pixels."""
MOST_BYTES_OF_RUNS = 4 * 1024 * 1024
"""Of a BMP in runs of pixels, which is read run by run, at two megabytes a second. Drawings have less."""
MOST_PARTS = 100_000
"""Segments, chunks, strips or tags. The most of any real file are the tiles of 16 pixels of a large scan."""
MOST_EXIF_SEGMENTS = 16
"""Of a JPEG. The reader joins them, each time copying all. Cameras write one."""
MOST_SCANS = 64
"""Of a progressive JPEG, each of which passes over the whole photo. Encoders write 10, the busiest 20."""

_TILE_WIDTH, _TILE_LENGTH = 322, 323  # TIFF 6.0, section 15
_BYTES = (1, 2, 6, 7)  # kinds of TIFF values that are read in one go (TIFF 6.0, section 2)
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_SCAN, _END, _APP1 = 0xDA, 0xD9, 0xE1


def refuse_crowded(encoded: bytes, name: str) -> None:
    """Refuse what already costs too much to open; ask before anything else reads the file."""
    if encoded[:2] == b"BM":
        if encoded[30:31] in (b"\1", b"\2") and len(encoded) > MOST_BYTES_OF_RUNS:
            raise PhotoTooLargeError(f"{name} is a BMP in runs of more than {MOST_BYTES_OF_RUNS >> 20} MiB.")
    elif encoded[:4] not in (*_TIFF, b"\x89PNG") and len(encoded) > MOST_BYTES_COMPRESSED:
        raise PhotoTooLargeError(f"{name} is larger than any photo ({MOST_BYTES_COMPRESSED >> 20} MiB).")
    if encoded[4:8] == b"ftyp" and _pixels_of_tiles(encoded, name) > MOST_PIXELS_OF_TILES:
        raise PhotoTooLargeError(f"{name} is made of tiles of far more pixels than it shows.")
    if _is_crowded(encoded):
        raise PhotoUnreadableError(f"{name} consists of far more parts than any photo.")


def refuse_hard_work(image: Image.Image, encoded: bytes, name: str) -> None:
    """Refuse what costs too much to decode; ask once the file is opened."""
    if image.format in ("JPEG", "MPO"):
        # Counting bytes is fast and can only count too many; whoever passes needs no closer look.
        if encoded.count(b"\xff\xda") > MOST_SCANS and _scans(encoded) > MOST_SCANS:
            raise PhotoUnreadableError(
                f"{name} is drawn in more than {MOST_SCANS} scans; no camera does that."
            )
    elif image.format == "TIFF":
        tags = getattr(image, "tag_v2", {})
        if tags.get(_TILE_WIDTH, 0) * tags.get(_TILE_LENGTH, 0) > MOST_PIXELS:
            raise PhotoTooLargeError(f"{name} has tiles of more than 50 megapixels.")


def _is_crowded(encoded: bytes) -> bool:
    if encoded[:2] == b"\xff\xd8":
        return _jpeg_is_crowded(encoded)
    if encoded[:4] == b"\x89PNG":
        return _png_is_crowded(encoded)
    return encoded[:4] in _TIFF and _tiff_is_crowded(encoded)


def _pixels_of_tiles(heif: bytes, name: str) -> float:
    try:
        return most_pixels_decoded(heif, unknown=MOST_PIXELS)
    except (struct.error, IndexError) as error:
        # Its reader would make do with what is left of them, so the tiles could not be counted.
        raise PhotoUnreadableError(f"{name} cannot be read: its tables of tiles are damaged.") from error


def _jpeg_is_crowded(jpeg: bytes) -> bool:
    parts, with_exif, behind = 0, 0, 2
    for position, marker in _markers(jpeg):
        parts += 1 + max(0, position - behind)  # what lies between segments is skipped byte by byte
        with_exif += marker == _APP1 and jpeg[position + 4 : position + 8] == b"Exif"
        if parts > MOST_PARTS or with_exif > MOST_EXIF_SEGMENTS:
            return True
        if marker == _SCAN:
            return False
        behind = _behind(jpeg, position)
    return len(jpeg) - behind > MOST_PARTS


def _png_is_crowded(png: bytes) -> bool:
    position, parts = 8, 0
    while position + 8 <= len(png) and parts <= MOST_PARTS:
        position += 12 + int.from_bytes(png[position : position + 4], "big")
        parts += 1
    return parts > MOST_PARTS


def _tiff_is_crowded(tiff: bytes) -> bool:
    """Whether the first page has too many tags, or numbers in one of them (strips, tiles)."""
    order = "<" if tiff[:1] == b"I" else ">"
    big = 43 in tiff[2:4]  # BigTIFF counts and points with eight bytes
    head, entry = (f"{order}Q", f"{order}HHQ8x") if big else (f"{order}H", f"{order}HHI4x")
    first = int.from_bytes(tiff[8:16] if big else tiff[4:8], "little" if order == "<" else "big")
    start = first + struct.calcsize(head)
    if len(tiff) < start:
        return False  # damaged, as its reader will say
    (tags,) = struct.unpack(head, tiff[first:start])
    if tags > MOST_PARTS:
        return True
    entries = tiff[start : start + tags * struct.calcsize(entry)]
    whole = entries[: len(entries) - len(entries) % struct.calcsize(entry)]
    return any(n > MOST_PARTS and kind not in _BYTES for _, kind, n in struct.iter_unpack(entry, whole))


def _scans(jpeg: bytes) -> int:
    """Scans of the first picture in the file: what follows it is not decoded."""
    scans = 0
    for _, marker in _markers(jpeg):
        if marker == _END:
            break
        scans += marker == _SCAN
    return scans


def _markers(jpeg: bytes) -> Iterator[tuple[int, int]]:
    """(position, marker) of each marker outside of segments (ITU-T T.81, annex B)."""
    position = 2
    while (position := jpeg.find(b"\xff", position)) >= 0 and position + 4 <= len(jpeg):
        yield position, jpeg[position + 1]
        position = _behind(jpeg, position)


def _behind(jpeg: bytes, position: int) -> int:
    """Where the marker here ends, with its segment if it has one."""
    marker = jpeg[position + 1]
    if marker == 0xFF:  # padding
        return position + 1
    if marker in (0x00, 0x01, _END) or 0xD0 <= marker <= 0xD8:  # inside a scan, or without a length
        return position + 2
    return position + 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
