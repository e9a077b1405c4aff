"""What becomes of each golden file: what it shows, or the code of the error. The same all over ai-lens."""

import golden_files as files
import pytest
from attrs import frozen
from golden_files import COLOURS, INKS, held, quarters, saved, several
from PIL import Image

FIRST = ("shows the first of several pictures in the file",)
MAIN = ("shows the main one of several pictures in the file",)
NOT_NUMBERS = ("pixels whose value is not a number are black",)
UNREADABLE, TOO_SMALL, TOO_LARGE = "E120", "E121", "E122"


@frozen
class Shows:
    """A photo: the colours of its four quarters, within this many steps of 255."""

    colours: tuple = COLOURS
    within: int = 0
    notes: tuple[str, ...] = ()
    size: tuple[int, int] = files.SIZE


def _greys(*values):
    return tuple((value, value, value) for value in values)


JPEG = Shows(within=12)
FOUR_GREYS = Shows(_greys(0, 80, 160, 240), within=3)
BLACK_AND_WHITE = Shows(_greys(0, 255, 255, 0))
SEE_THROUGH = Shows(((255, 0, 0), (0, 255, 0), (127, 127, 255), (255, 255, 255)), within=4)


def _see_through():
    return quarters("RGBA", ((255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 128), (255, 255, 0, 0)))


def _see_through_palette():
    image = quarters("P", (0, 1, 2, 3))
    image.putpalette([value for colour in COLOURS for value in colour])
    return saved("PNG", image, transparency=bytes([255, 255, 128, 0]))


def _grey_jpeg():
    return saved("JPEG", quarters("L", (0, 80, 160, 240)), quality=95)


# name: (its bytes, what becomes of it)
GOLDEN = {
    "jpeg.jpg": (lambda: saved("JPEG", quality=95), JPEG),
    "jpeg full colour 4-4-4.jpg": (lambda: saved("JPEG", quality=95, subsampling=0), JPEG),
    "jpeg progressive.jpg": (lambda: saved("JPEG", quality=95, progressive=True), JPEG),
    "jpeg grey.jpg": (_grey_jpeg, FOUR_GREYS),
    "jpeg cmyk without marker.jpg": (files.cmyk_without_marker, JPEG),
    "jpeg cmyk of adobe.jpg": (files.cmyk_of_adobe, JPEG),
    **{
        f"jpeg held in orientation {number}.jpg": (
            lambda number=number: held("JPEG", number, quality=95),
            JPEG,
        )
        for number in range(1, 9)
    },
    "jpeg truncated.jpg": (lambda: _half(saved("JPEG", quality=95)), UNREADABLE),
    "jpeg of 1000 scans.jpg": (lambda: files.jpeg_of_many_scans(1000), UNREADABLE),
    "mpo.jpg": (lambda: several("MPO", quality=95), Shows(within=12, notes=FIRST)),
    "png.png": (lambda: saved("PNG"), Shows()),
    "png black and white.png": (lambda: saved("PNG", quarters("1", (0, 1, 1, 0))), BLACK_AND_WHITE),
    "png 16-bit grey.png": (lambda: saved("PNG", files.greys()), FOUR_GREYS),
    "png 16-bit rgb.png": (files.png_16_bit_rgb, Shows()),
    "png palette.png": (lambda: saved("PNG", quarters().quantize(8)), Shows(within=4)),
    "png transparent.png": (lambda: saved("PNG", _see_through()), SEE_THROUGH),
    "png transparent palette.png": (_see_through_palette, SEE_THROUGH),
    "png animated.png": (lambda: several("PNG"), Shows(notes=FIRST)),
    "png truncated.png": (lambda: _half(saved("PNG", Image.effect_noise((200, 200), 50))), UNREADABLE),
    "png with a gigabyte of text.png": (files.png_with_a_gigabyte_of_text, UNREADABLE),
    "png with a gigabyte of pixels.png": (files.png_with_a_gigabyte_of_pixels, Shows(_greys(0, 0, 0, 0))),
    "webp.webp": (lambda: saved("WEBP", quality=95), JPEG),
    "webp lossless.webp": (lambda: saved("WEBP", lossless=True), Shows()),
    "webp transparent.webp": (lambda: saved("WEBP", _see_through(), lossless=True), SEE_THROUGH),
    "webp animated.webp": (lambda: several("WEBP", lossless=True), Shows(notes=FIRST)),
    "heic.heic": (lambda: saved("HEIF", quality=95), JPEG),
    "heic turned by irot.heic": (lambda: held("HEIF", 6, quality=95), JPEG),
    "heic turned by EXIF only.heic": (lambda: files.heic_with_exif_only(6), JPEG),
    "heic of three pictures.heic": (lambda: several("HEIF", quality=95), Shows(within=12, notes=MAIN)),
    "heic of four tiles.heic": (
        lambda: files.heic_of_tiles((64, 64), 2, 2, (128, 96)),
        Shows(((0, 128, 128),) * 4, within=4),
    ),
    "heic of a tile named 256 times.heic": (
        lambda: files.heic_of_tiles((2048, 2048), 16, 16, (2048, 2048)),
        TOO_LARGE,
    ),
    "heic truncated.heic": (lambda: _half(saved("HEIF", quality=95)), UNREADABLE),
    "avif.avif": (lambda: saved("AVIF", quality=95), JPEG),
    "avif animated.avif": (lambda: several("AVIF", quality=95), Shows(within=12, notes=FIRST)),
    "bmp.bmp": (lambda: saved("BMP"), Shows()),
    "tiff.tif": (lambda: saved("TIFF"), Shows()),
    "tiff lzw.tif": (lambda: saved("TIFF", compression="tiff_lzw"), Shows()),
    "tiff 16-bit.tif": (lambda: saved("TIFF", files.greys()), FOUR_GREYS),
    "tiff of floats.tif": (lambda: saved("TIFF", files.float_greys()), Shows(_greys(0, 51, 102, 255))),
    "tiff of floats that are not numbers.tif": (
        lambda: saved("TIFF", files.float_greys(not_numbers=True)),
        Shows(_greys(0, 0, 102, 255), notes=NOT_NUMBERS),
    ),
    "tiff cmyk.tif": (lambda: saved("TIFF", quarters("CMYK", INKS)), Shows(within=2)),
    "tiff of three pages.tif": (lambda: several("TIFF"), Shows(notes=FIRST)),
    "tiff whose pages loop.tif": (files.tiff_whose_pages_loop, Shows()),
    "tiff with a huge tile.tif": (files.tiff_with_a_huge_tile, TOO_LARGE),
    "png named jpg.jpg": (lambda: saved("PNG"), Shows()),
    "gif named jpg.jpg": (lambda: saved("GIF"), UNREADABLE),
    "text named jpg.jpg": (lambda: "전시품 목록".encode(), UNREADABLE),
    "empty.jpg": (lambda: b"", UNREADABLE),
    "speck.png": (lambda: saved("PNG", Image.new("RGB", (31, 400))), TOO_SMALL),
    "header of 400 megapixels.png": (lambda: files.png((20_000, 20_000), b""), TOO_LARGE),
}


def _half(content):
    return content[: len(content) // 2]


NAMES = pytest.mark.parametrize("name", GOLDEN)
