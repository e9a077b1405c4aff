"""One small file for every way a photo is stored, made here and always the same.

All show the same scene: red, lime over blue, yellow, a quarter each, 128 x 96.
"""

import functools
import io
import struct
import zlib

import numpy as np
from PIL import Image

ORIENTATION = 0x0112
SIZE = WIDTH, HEIGHT = 128, 96
COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))
# How a camera stores the pixels of a photo whose EXIF orientation is the key: the reverse of EXIF's turn.
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def quarters(mode="RGB", colours=COLOURS):
    """The scene in another mode, with these colours in its quarters."""
    image = Image.new(mode, SIZE)
    for number, colour in enumerate(colours):
        left, top = number % 2 * WIDTH // 2, number // 2 * HEIGHT // 2
        image.paste(colour, (left, top, left + WIDTH // 2, top + HEIGHT // 2))
    return image


def saved(image_format, image=None, **how):
    file = io.BytesIO()
    (image or quarters()).save(file, image_format, **how)
    return file.getvalue()


def several(image_format, **how):
    """The scene, then two pictures of something else."""
    others = [Image.new("RGB", SIZE, colour) for colour in ("black", "white")]
    return saved(image_format, save_all=True, append_images=others, **how)


def exif(orientation):
    block = Image.Exif()
    block[ORIENTATION] = orientation
    return block.tobytes()


def held(image_format, orientation, **how):
    """Stored as a camera does that was held in this orientation and says so in EXIF."""
    turned = quarters().transpose(STORED[orientation]) if orientation in STORED else quarters()
    return saved(image_format, turned, exif=exif(orientation), **how)


def heic_with_exif_only(orientation):
    """The reader's library writes transformations for what EXIF says; here EXIF says it later."""
    content = saved("HEIF", quarters().transpose(STORED[orientation]), exif=exif(1), quality=95)
    return content.replace(exif(1)[6:], exif(orientation)[6:])


def greys(values=(0, 80, 160, 240), dtype=np.uint16, scale=257):
    """A grey a quarter, in numbers wider than a byte."""
    return Image.fromarray(np.asarray(quarters("L", values)).astype(dtype) * dtype(scale))


def float_greys(not_numbers=False):
    values = np.asarray(quarters("L", (0, 51, 102, 255))).astype(np.float32) / 255
    if not_numbers:
        values[:, ::2][values[:, ::2] == np.float32(0.2)] = np.nan
        values[:, 1::2][values[:, 1::2] == np.float32(0.2)] = np.nan
        values[0, 0], values[0, -1] = -np.inf, np.inf
    return Image.fromarray(values)


INKS = ((0, 255, 255, 0), (255, 0, 255, 0), (255, 255, 0, 0), (0, 0, 255, 0))


def cmyk_of_adobe():
    """Inks stored upside down under Adobe's marker, as editors do."""
    return saved("JPEG", quarters("CMYK", INKS), quality=95)


def cmyk_without_marker():
    """The same, its marker lost: inks still count as upside down, as most such files come from Adobe."""
    content = cmyk_of_adobe()
    start = content.index(b"\xff\xee")
    return content[:start] + content[start + 2 + int.from_bytes(content[start + 2 : start + 4], "big") :]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(size, pixels, depth=8, colour_type=2, extra=b""):
    """A PNG with these bytes for pixels, whether they belong there or not."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour_type, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def png_16_bit_rgb():
    wide = (np.asarray(quarters()).astype(">u2") * 257).astype(">u2")
    return png(SIZE, b"".join(b"\0" + row.tobytes() for row in wide), depth=16)


def png_with_a_gigabyte_of_text():
    return png(SIZE, b"", extra=chunk(b"zTXt", b"k\0\0" + _zeros()))


def png_with_a_gigabyte_of_pixels():
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *SIZE, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", _zeros()) + chunk(b"IEND", b"")


@functools.cache
def _zeros():
    squeeze = zlib.compressobj(1)
    return b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(1024)) + squeeze.flush()


def jpeg_of_many_scans(scans, image=None):
    """A progressive JPEG that draws one of its scans over and over."""
    content = saved("JPEG", image, progressive=True)
    first = content.index(b"\xff\xda")
    second, third = (start := content.index(b"\xff\xda", first + 2)), content.index(b"\xff\xda", start + 2)
    return content[:-2] + content[second:third] * scans + content[-2:]


def tiff_whose_pages_loop():
    """Three pages; the first names itself as the next."""
    content = bytearray(several("TIFF"))
    (page,) = struct.unpack("<I", content[4:8])
    (entries,) = struct.unpack("<H", content[page : page + 2])
    behind = page + 2 + 12 * entries
    content[behind : behind + 4] = struct.pack("<I", page)
    return bytes(content)


def tiff_with_a_huge_tile():
    """A small picture in a tile of 1.6 gigapixels, which its reader would unpack."""
    tags = {
        256: WIDTH,
        257: HEIGHT,
        258: 8,
        259: 8,
        262: 1,
        277: 1,
        322: 40000,
        323: 40000,
        324: 134,
        325: 100,
    }
    page = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in tags)
    return b"II*\0" + struct.pack("<I", 8) + page + bytes(4) + zlib.compress(bytes(100_000))


def heic_of_tiles(tile, rows, columns, size):
    """A HEIC of this size whose tiles are all the same one (ISO 23008-12, 6.6.2.3), an image or a size."""
    tile, image = (tile, Image.new("RGB", tile, "teal")) if isinstance(tile, tuple) else (tile.size, tile)
    content = saved("HEIF", image, quality=50)
    start = content.index(b"hvcC") - 4
    (length,) = struct.unpack(">I", content[start : start + 4])
    picture, count = content[content.index(b"mdat") + 4 :], rows * columns
    grid = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *size)
    tiles = _box(b"infe", 2, struct.pack(">HH4sx", 1, 0, b"hvc1"), flags=1)  # hidden: no picture of its own
    whole = _box(b"infe", 2, struct.pack(">HH4sx", 2, 0, b"grid"))
    sizes = [_box(b"ispe", 0, struct.pack(">II", *each)) for each in (tile, size)]
    known = (
        _box(b"hdlr", 0, bytes(4), b"pict", bytes(13)),
        _box(b"pitm", 0, struct.pack(">H", 2)),
        _box(b"iinf", 0, struct.pack(">H", 2), tiles, whole),
        _box(b"iref", 0, _box(b"dimg", None, struct.pack(">HH", 2, count), struct.pack(">H", 1) * count)),
        _box(
            b"iprp",
            None,
            _box(b"ipco", None, content[start : start + length], *sizes),
            _box(b"ipma", 0, struct.pack(">IHBBBHBB", 2, 1, 2, 0x81, 2, 2, 1, 3)),
        ),
    )

    def meta(start):
        where = struct.pack(">HHHII", 1, 0, 1, start, len(picture))
        where += struct.pack(">HHHII", 2, 0, 1, start + len(picture), len(grid))
        return _box(b"meta", 0, *known, _box(b"iloc", 0, b"\x44\0\0\2", where))

    brand = _box(b"ftyp", None, b"heic", bytes(4), b"mif1heic")
    return brand + meta(len(brand) + len(meta(0)) + 8) + _box(b"mdat", None, picture, grid)


def _box(kind, version, *parts, flags=0):
    inside = (b"" if version is None else struct.pack(">I", version << 24 | flags)) + b"".join(parts)
    return struct.pack(">I", 8 + len(inside)) + kind + inside
