"""Files built to keep their reader busy are refused at once, and damaged ones leave nothing on stderr."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent / "golden"))
from golden_files import heic_of_tiles

from lens_core.errors import DataError, PhotoTooLargeError, PhotoUnreadableError
from lens_core.photos.decode import decode

MANY = 200_000


def encoded(image_format, size=(64, 64), **how):
    file = io.BytesIO()
    Image.new("RGB", size, "teal").save(file, image_format, **how)
    return file.getvalue()


def png_with(kind, data, count):
    content = encoded("PNG")
    chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return content[:33] + chunk * count + content[33:]


def jpeg_with(marker, data, count):
    content = encoded("JPEG")
    segment = struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data
    return content[:2] + segment * count + content[2:]


def tiff_with(tags, order="<"):
    """A TIFF of these (tag, kind, count) and nothing else."""
    entries = b"".join(struct.pack(f"{order}HHII", tag, kind, count, 0) for tag, kind, count in tags)
    head = b"II*\0" if order == "<" else b"MM\0*"
    return head + struct.pack(f"{order}IH", 8, len(tags)) + entries + bytes(4)


def big_tiff_with(tags, order="<"):
    entries = b"".join(struct.pack(f"{order}HHQQ", tag, kind, count, 0) for tag, kind, count in tags)
    head = b"II+\0" if order == "<" else b"MM\0+"
    return head + struct.pack(f"{order}HHQQ", 8, 0, 16, len(tags)) + entries + bytes(8)


STRIPS = [(256, 4, 1), (257, 4, 1), (273, 4, MANY)]
CROWDED = {
    "PNG of private chunks": lambda: png_with(b"prVt", b"", MANY),
    "PNG of empty pixels": lambda: png_with(b"IDAT", b"", MANY),
    "JPEG of empty comments": lambda: jpeg_with(0xFE, b"", MANY),
    "JPEG of EXIF segments": lambda: jpeg_with(0xE1, b"Exif\0\0" + bytes(60_000), 100),
    "JPEG of padding": lambda: encoded("JPEG")[:2] + b"\xff" * MANY,
    "JPEG of nothing": lambda: encoded("JPEG")[:2] + bytes(MANY),
    "JPEG with a hole": lambda: encoded("JPEG")[:2] + bytes(MANY) + encoded("JPEG")[2:],
    "TIFF of strips": lambda: tiff_with(STRIPS),
    "TIFF of strips, big-endian": lambda: tiff_with(STRIPS, ">"),
    "BigTIFF of strips": lambda: big_tiff_with(STRIPS),
    "BigTIFF of tags, big-endian": lambda: big_tiff_with([(40000, 4, 1)] * MANY, ">"),
}


@pytest.mark.parametrize("name", CROWDED)
def test_a_file_of_countless_parts_is_refused(name):
    with pytest.raises(PhotoUnreadableError, match="the photo consists of far more parts than any photo"):
        decode(CROWDED[name]())


def test_a_bmp_of_countless_runs_is_refused():
    header = struct.pack("<IiiHHIIiiII", 40, 8192, 6400, 1, 8, 1, 0, 0, 0, 256, 0) + bytes(1024)
    content = b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + len(header)) + header + b"\1\1" * (3 << 20)
    with pytest.raises(PhotoTooLargeError, match="is a BMP in runs of more than 4 MiB"):
        decode(content)


@pytest.mark.parametrize("start", [b"RIFF\0\0\0\0WEBP", b"\xff\xd8\xff\xe0", b"\0\0\0\x18ftypheic"])
def test_a_format_that_compresses_is_never_that_large(start):
    with pytest.raises(PhotoTooLargeError, match=r"is larger than any photo \(200 MiB\)"):
        decode(start + bytes(201 << 20))


@pytest.mark.parametrize(
    ("found", "made"),
    [
        (b"ipma\0\0\0\0\0\0\0\2", b"ipma\0\0\0\0\0\0\0\3"),  # sizes of one item more than there are
        (b"dimg\0\2\1\0", b"dimg\0\2\1\1"),  # one tile more than there are
        (b"\0\1\2\x81\2", b"\0\1\2\x81\1"),  # a tile that does not say how large it is
    ],
)
def test_tiles_that_cannot_be_counted_are_refused(found, made):
    pytest.importorskip("pillow_heif").register_heif_opener()
    content = heic_of_tiles((64, 64), 16, 16, (1024, 1024))
    assert content.count(found) == 1
    decode(content)
    with pytest.raises(DataError, match=r"tables of tiles are damaged|made of tiles of far more pixels"):
        decode(content.replace(found, made))


def test_what_cameras_and_editors_write_is_not_too_many_parts():
    strips_of_a_row = encoded("TIFF", (64, 6000), strip_size=1)
    for content in (
        jpeg_with(0xE1, b"http://ns.adobe.com/xmp/extension/\0", 400),
        jpeg_with(0xE1, b"Exif\0\0", 2),
        png_with(b"tEXt", b"Comment\0hello", 500),
        strips_of_a_row,
        encoded("BMP", (2000, 2000)),
    ):
        assert decode(content).pixels[-1, -1].tolist() == pytest.approx([0, 128, 128], abs=3)


DAMAGED = """
import struct, sys, io
import numpy as np
from PIL import Image
from lens_core.errors import DataError
from lens_core.photos.decode import decode

def tiff(**how):
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(file, "TIFF", **how)
    return file.getvalue()

lzw = bytearray(tiff(compression="tiff_lzw"))
lzw[40:4000] = bytes(3960)
samples = tiff().replace(struct.pack("<HHII", 277, 3, 1, 3), struct.pack("<HHII", 277, 3, 1, 3000))
for content in (bytes(lzw), samples):
    try:
        decode(content)
        sys.exit("a photo?")
    except DataError as error:
        print(error.code)
"""


def test_a_damaged_tiff_is_an_error_and_nothing_else_reaches_the_terminal():
    done = subprocess.run([sys.executable, "-c", DAMAGED], capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (["E120", "E120"], "")


@pytest.mark.filterwarnings("error")
def test_a_number_that_is_there_to_warn_does_not():
    pixels = np.full((64, 64), 0.5, np.float32)
    pixels.view(np.uint32)[5, 5] = 0x7F800001  # a signalling NaN (IEEE 754)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "TIFF")
    assert decode(file.getvalue()).notes == ("pixels whose value is not a number are black",)
