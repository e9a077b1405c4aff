"""Any photo becomes the same kind of pixels, and whatever is no photo is one clear error."""

import contextlib
import io
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from lens_core.errors import DataError, PhotoTooLargeError, PhotoTooSmallError, PhotoUnreadableError
from lens_core.photos.decode import LONG_SIDE, decode


def encoded(image, image_format="PNG", **how):
    file = io.BytesIO()
    image.save(file, image_format, **how)
    return file.getvalue()


def scene(size=(96, 64)):
    image = Image.new("RGB", size, "teal")
    ImageDraw.Draw(image).ellipse([20, 10, 70, 60], fill="gold")
    return image


def centre(photo):
    """The colour in the middle, as a list of three numbers."""
    return photo.pixels[photo.pixels.shape[0] // 2, photo.pixels.shape[1] // 2].tolist()


# --- inputs


def test_a_path_bytes_a_pillow_image_and_an_array_are_the_same_photo(tmp_path):
    path = tmp_path / "꽃병.jpg"
    scene((2000, 1500)).save(path)
    photo = decode(path)
    for same in (decode(str(path)), decode(path.read_bytes())):
        np.testing.assert_array_equal(same.pixels, photo.pixels)
    # Their owner decoded these at full size, so their pixels are only nearly the same.
    with Image.open(path) as image:
        opened = [decode(image), decode(np.asarray(image))]
    for other in opened:
        assert other.pixels.shape == (768, 1024, 3)
        small = Image.fromarray(other.pixels).resize(photo.pixels.shape[1::-1])
        assert np.abs(np.asarray(small, int) - photo.pixels).mean() < 2
    assert {(one.width, one.height) for one in [photo, *opened]} == {(2000, 1500)}


def test_an_image_drawn_in_memory_can_be_asked():
    photo = decode(scene())
    assert photo.pixels.dtype == np.uint8
    assert photo.pixels.shape == (64, 96, 3)


def test_a_grey_array_becomes_rgb():
    photo = decode(np.full((40, 50), 7, np.uint8))
    assert photo.pixels.shape == (40, 50, 3)
    assert centre(photo) == [7, 7, 7]


@pytest.mark.parametrize(
    ("array", "named"),
    [
        (np.zeros((64, 64, 3), np.float32), "float32[64, 64, 3]"),
        (np.zeros((64, 64, 4), np.uint8), "uint8[64, 64, 4]"),
        (np.zeros((2, 64, 64, 3), np.uint8), "uint8[2, 64, 64, 3]"),
    ],
)
def test_another_array_is_refused_by_its_shape(array, named):
    with pytest.raises(PhotoUnreadableError) as refused:
        decode(array)
    assert refused.value.what == f"An array must be uint8[H, W, 3] (RGB) or uint8[H, W], not {named}."


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "AVIF", "BMP", "TIFF", "HEIF"])
def test_the_format_is_told_by_content_not_by_name(tmp_path, image_format):
    if image_format == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    path = tmp_path / "photo.txt"
    path.write_bytes(encoded(scene(), image_format))
    assert centre(decode(path)) == pytest.approx([255, 215, 0], abs=12)


def test_a_heic_photo_is_read_by_a_program_that_never_heard_of_heic(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.from_pillow(scene()).save(tmp_path / "phone.heic")
    code = "import sys; from lens_core.photos.decode import decode; print(decode(sys.argv[1]).pixels.shape)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "phone.heic")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "(64, 96, 3)\n"


# --- size


@pytest.mark.parametrize("size", [(3000, 2000), (2000, 3000), (1025, 40), (5000, 33)])
@pytest.mark.parametrize("image_format", ["JPEG", "PNG"])
def test_the_long_side_is_1024_and_the_shape_is_kept(size, image_format):
    photo = decode(encoded(Image.new("RGB", size, "gray"), image_format))
    height, width = photo.pixels.shape[:2]
    assert max(width, height) == LONG_SIDE == 1024
    assert min(width, height) == pytest.approx(1024 * min(size) / max(size), abs=1)
    assert (width > height) == (size[0] > size[1])
    assert (photo.width, photo.height) == size


@pytest.mark.parametrize(
    ("size", "stops_at"), [((4032, 3024), (756, 1008)), ((1080, 1920), (960, 540)), ((3584, 33), (8, 896))]
)
def test_where_the_jpeg_decoder_can_stop_just_below_1024_it_does(size, stops_at):
    photo = decode(encoded(Image.new("RGB", size, "gray"), "JPEG"))
    assert photo.pixels.shape[:2] == pytest.approx(stops_at, abs=1)
    assert (photo.width, photo.height) == size


def test_a_small_photo_is_not_enlarged():
    assert decode(encoded(Image.new("RGB", (200, 100)))).pixels.shape == (100, 200, 3)


@pytest.mark.parametrize("size", [(1, 1), (31, 400), (400, 31)])
def test_a_speck_is_too_small(size):
    with pytest.raises(PhotoTooSmallError, match=f"{size[0]} x {size[1]} pixels"):
        decode(encoded(Image.new("RGB", size)))


def png_header(width, height):
    """A PNG that claims a size and holds nothing."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    empty = b"IDAT" + zlib.compress(b"")
    rest = struct.pack(">I", len(empty) - 4) + empty + struct.pack(">I", zlib.crc32(empty))
    return b"\x89PNG\r\n\x1a\n" + chunk + rest


@pytest.mark.parametrize(("width", "height"), [(8000, 7000), (20_000, 20_000), (2_000_000, 2_000_000)])
def test_more_than_50_megapixels_are_refused_before_they_are_decoded(width, height):
    with pytest.raises(PhotoTooLargeError) as refused:
        decode(png_header(width, height))
    assert refused.value.advice == "Save the photo at 50 megapixels or less."


def test_a_50_megapixel_phone_photo_is_not_too_large():
    # 8192 x 6144 is what phones sell as 50 megapixels; the header alone is judged, then the lack of content.
    with pytest.raises(PhotoUnreadableError):
        decode(png_header(8192, 6144))


def test_a_file_larger_than_any_photo_is_not_read(tmp_path):
    path = tmp_path / "disk image.tif"
    with path.open("wb") as file:
        file.truncate(401 * 1024 * 1024)  # takes no room on the disk
    with pytest.raises(PhotoTooLargeError, match=r"disk image\.tif is larger than any photo \(400 MiB\)"):
        decode(path)


@pytest.mark.parametrize(("extra", "fine"), [(0, True), (40, True), (80, False), (5000, False)])
def test_a_jpeg_may_be_drawn_in_64_scans_and_no_more(extra, fine):
    content = encoded(scene(), "JPEG", progressive=True)
    second = content.index(b"\xff\xda", content.index(b"\xff\xda") + 2)
    again = content[second : content.index(b"\xff\xda", second + 2)]
    content = content[:-2] + again * extra + content[-2:]
    if fine:
        assert centre(decode(content)) == pytest.approx([255, 215, 0], abs=12)
    else:
        with pytest.raises(PhotoUnreadableError, match="is drawn in more than 64 scans"):
            decode(content)


def test_what_a_phone_appends_to_a_jpeg_is_not_counted_as_its_scans():
    # A "motion photo" is followed by its film, in which any bytes may occur.
    film = b"\xff\xda\x00\x02" * 1000
    assert centre(decode(encoded(scene(), "JPEG") + film)) == pytest.approx([255, 215, 0], abs=12)


# --- colour


def test_cmyk_keeps_its_colours():
    ink = Image.merge("CMYK", [Image.new("L", (64, 64), value) for value in (0, 255, 255, 0)])
    for image_format in ("JPEG", "TIFF"):
        red, green, blue = centre(decode(encoded(ink, image_format)))
        assert red > 200
        assert max(green, blue) < 60


@pytest.mark.parametrize(("image_format", "mode"), [("PNG", "I;16"), ("TIFF", "I;16"), ("TIFF", "I;16B")])
def test_16_bit_grey_is_scaled_not_clipped(image_format, mode):
    ramp = np.linspace(0, 65535, 256).round().astype(">u2" if mode.endswith("B") else "<u2")
    image = Image.frombytes(mode, (256, 64), np.tile(ramp, 64).tobytes())
    photo = decode(encoded(image, image_format))
    np.testing.assert_allclose(photo.pixels[32, :, 0], np.arange(256), atol=1)
    np.testing.assert_array_equal(photo.pixels[:, :, 0], photo.pixels[:, :, 2])


def test_float_grey_is_scaled_to_its_own_range():
    values = np.tile(np.linspace(-2, 5, 64, dtype=np.float32), (64, 1))
    photo = decode(encoded(Image.fromarray(values), "TIFF"))
    assert photo.pixels[0, 0, 0] == 0
    assert photo.pixels[0, -1, 0] == 255
    assert (np.diff(photo.pixels[0, :, 0].astype(int)) >= 0).all()


@pytest.mark.parametrize("value", [1.5, -3e38, np.nan, np.inf])
def test_floats_that_are_all_alike_are_black(value):
    image = Image.fromarray(np.full((64, 64), value, np.float32))
    assert centre(decode(encoded(image, "TIFF"))) == [0, 0, 0]


def test_the_largest_floats_are_scaled_too():
    values = np.tile(np.linspace(-3.4e38, 3.4e38, 64), (600, 1)).astype(np.float32)
    row = decode(encoded(Image.fromarray(values), "TIFF")).pixels[599, :, 0]
    np.testing.assert_allclose(row, np.linspace(0, 255, 64), atol=1)


def test_a_palette_becomes_its_colours():
    assert centre(decode(encoded(scene().quantize(8), "PNG"))) == pytest.approx([255, 215, 0], abs=8)


def test_grey_and_black_and_white_become_rgb():
    for mode in ("L", "1"):
        photo = decode(encoded(Image.new(mode, (40, 40), 255)))
        assert photo.pixels.shape == (40, 40, 3)
        assert centre(photo) == [255, 255, 255]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_lies_on_white(mode):
    image = Image.new(mode, (60, 40), (0, 0, 0, 0) if mode == "RGBA" else (0, 0))
    image.paste((0, 0, 0, 255) if mode == "RGBA" else (0, 255), (0, 0, 30, 40))
    pixels = decode(encoded(image)).pixels
    assert pixels[20, 5].tolist() == [0, 0, 0]
    assert pixels[20, 55].tolist() == [255, 255, 255]


def test_a_transparent_palette_colour_lies_on_white():
    image = Image.new("P", (40, 40), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    assert centre(decode(encoded(image, transparency=1))) == [255, 255, 255]
    assert centre(decode(encoded(image, transparency=0))) == [255, 0, 0]


def test_an_animation_is_its_first_picture():
    first, second = Image.new("RGB", (40, 40), "red"), Image.new("RGB", (40, 40), "blue")
    for image_format in ("WEBP", "PNG", "TIFF"):
        content = encoded(first, image_format, save_all=True, append_images=[second])
        photo = decode(content)
        assert centre(photo) == pytest.approx([255, 0, 0], abs=4)
        assert photo.notes == ("shows the first of several pictures in the file",)
    assert decode(encoded(first)).notes == ()


# --- what is no photo


def test_a_truncated_jpeg_is_unreadable_and_named(tmp_path):
    path = tmp_path / "half.jpg"
    path.write_bytes(encoded(scene((800, 600)), "JPEG")[:2000])
    with pytest.raises(PhotoUnreadableError) as refused:
        decode(path)
    assert str(refused.value).startswith(f"E120: {path} cannot be read as a photo: ")
    assert "\n" not in str(refused.value)


def test_text_named_jpg_is_no_photo(tmp_path):
    path = tmp_path / "notes.jpg"
    path.write_text("전시품 목록", encoding="utf-8")
    with pytest.raises(PhotoUnreadableError) as refused:
        decode(path)
    assert str(refused.value) == (
        f"E120: {path} is not a photo (not JPEG, PNG, WebP, HEIC, AVIF, BMP or TIFF). "
        "Replace the file by the original photo (JPEG, PNG, WebP, HEIC, AVIF, BMP or TIFF)."
    )


@pytest.mark.parametrize("image_format", ["GIF", "PPM", "ICO", "PDF", "EPS"])
def test_formats_that_no_camera_writes_are_not_opened(image_format):
    with pytest.raises(PhotoUnreadableError, match="is not a photo"):
        decode(encoded(Image.new("RGB", (64, 64)), image_format))


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"....ftypheic", b"....ftypavif"]
)
def test_an_empty_or_barely_begun_file_is_unreadable(content, tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(PhotoUnreadableError, match=r"a\.jpg"):
        decode(path)


def test_a_missing_file_and_a_folder_are_unreadable(tmp_path):
    with pytest.raises(PhotoUnreadableError, match=r"There is no file .*gone\.jpg\. Check the path\."):
        decode(tmp_path / "gone.jpg")
    with pytest.raises(PhotoUnreadableError, match="is not a file"):
        decode(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders here")
def test_what_might_never_end_is_no_photo(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    for endless in (tmp_path / "pipe.jpg", "/dev/zero"):
        with pytest.raises(PhotoUnreadableError, match="is not a file"):
            decode(endless)


def test_bytes_longer_than_any_photo_are_refused(monkeypatch):
    monkeypatch.setattr("lens_core.photos.reading.MOST_BYTES", 100)
    with pytest.raises(PhotoTooLargeError, match="larger than any photo"):
        decode(encoded(scene()))


SEEDS = {
    image_format: encoded(scene(), image_format) for image_format in ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
}


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_raise_nothing_but_a_data_error(content):
    with pytest.raises(DataError):
        decode(content)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(SEEDS)), st.data())
def test_damaged_photos_are_read_or_raise_a_data_error(image_format, data):
    content = bytearray(SEEDS[image_format])
    spots = st.integers(0, len(content) - 1)
    for position, value in data.draw(st.lists(st.tuples(spots, st.integers(0, 255)), min_size=1, max_size=8)):
        content[position] = value
    content = content[: data.draw(st.integers(len(content) // 2, len(content)))]
    with contextlib.suppress(DataError):
        photo = decode(bytes(content))
        assert photo.pixels.dtype == np.uint8
        assert photo.pixels.shape[2] == 3
