"""However a phone was held and whatever it writes, its photo stands upright."""

import io

import numpy as np
import pytest
from PIL import Image

from lens_core.photos.decode import LONG_SIDE, decode

CORNERS = ("red", "lime", "blue", "yellow")
ORIENTATION = 0x0112
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


def scene(width=400, height=300):
    """A landscape photo with a colour of its own in each quarter."""
    image = Image.new("RGB", (width, height))
    for number, colour in enumerate(CORNERS):
        image.paste(colour, (number % 2 * width // 2, number // 2 * height // 2, width, height))
    return image


def corners(pixels):
    """The colours of the four quarters, by name."""
    height, width = pixels.shape[:2]
    names = {(1, 0, 0): "red", (0, 1, 0): "lime", (0, 0, 1): "blue", (1, 1, 0): "yellow"}
    spots = [(y, x) for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]
    return tuple(names.get(tuple((pixels[spot] > 127).astype(int).tolist()), "?") for spot in spots)


def exif(orientation):
    block = Image.Exif()
    block[ORIENTATION] = orientation
    return block.tobytes()


def stored(orientation, image_format, image=None, **how):
    image = image or scene()
    turned = image.transpose(STORED[orientation]) if orientation in STORED else image
    file = io.BytesIO()
    turned.save(file, image_format, exif=exif(orientation), **how)
    return file.getvalue()


def assert_upright(photo, width=400, height=300):
    assert corners(photo.pixels) == CORNERS
    assert (photo.width, photo.height) == (width, height)
    assert photo.pixels.shape[1] / photo.pixels.shape[0] == pytest.approx(width / height, rel=0.01)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_photo_with_an_exif_orientation_stands_upright(image_format, orientation):
    assert_upright(decode(stored(orientation, image_format)))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_large_jpeg_that_is_shrunk_while_it_is_read_stands_upright(orientation):
    photo = decode(stored(orientation, "JPEG", scene(3200, 2400)))
    assert_upright(photo, 3200, 2400)
    assert max(photo.pixels.shape) == LONG_SIDE


def heic(orientation, irot, in_exif):
    """A HEIC photo that says how to turn it in its transformations (irot, imir), in EXIF, or in both."""
    pytest.importorskip("pillow_heif").register_heif_opener()
    image = scene()
    turned = image.transpose(STORED[orientation]) if orientation in STORED else image
    file = io.BytesIO()
    # pillow-heif writes the transformations that belong to the EXIF block it is given.
    turned.save(file, "HEIF", quality=95, exif=exif(orientation if irot else 1))
    content = file.getvalue()
    written = exif(orientation if irot else 1)
    assert content.count(written[6:]) == 1
    return content.replace(written[6:], exif(orientation if in_exif else 1)[6:])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("irot", "in_exif"),
    [(True, True), (True, False), (False, True)],
    ids=["irot and EXIF", "irot only", "EXIF only"],
)
def test_a_heic_photo_stands_upright_wherever_it_says_how_it_was_held(orientation, irot, in_exif):
    assert_upright(decode(heic(orientation, irot, in_exif)))


@pytest.mark.parametrize(
    ("irot", "in_exif"), [(True, True), (False, True)], ids=["irot and EXIF", "EXIF only"]
)
def test_a_heic_that_its_caller_has_opened_is_turned_like_its_file(tmp_path, irot, in_exif):
    path = tmp_path / "held.heic"
    path.write_bytes(heic(6, irot, in_exif))
    with Image.open(path) as image:
        assert_upright(decode(image))


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_orientation_that_does_not_exist_is_ignored(orientation):
    assert_upright(decode(stored(orientation, "JPEG")))


def test_a_pillow_image_is_turned_like_its_file(tmp_path):
    path = tmp_path / "held.jpg"
    path.write_bytes(stored(6, "JPEG"))
    with Image.open(path) as image:
        assert_upright(decode(image))
        assert image.getpixel((10, 10)) is not None  # the caller's image is still open


def test_real_photos_of_every_camera_come_out_as_their_owners_saw_them(shared):
    for path in sorted((shared / "photos" / "exif").iterdir()):
        with Image.open(path) as image:
            orientation = image.getexif().get(ORIENTATION, 1)
            image.draft("RGB", (LONG_SIDE, LONG_SIDE))
            turn = {1: 0, 8: 1}[orientation]  # quarter turns, counter-clockwise; no others are in that folder
            upright = Image.fromarray(np.rot90(np.asarray(image.convert("RGB")), turn))
        photo = decode(path)
        assert (photo.width > photo.height) == (upright.width > upright.height), path
        small = [
            np.asarray(picture.resize((16, 16), Image.Resampling.BOX), np.float32)
            for picture in (upright, Image.fromarray(photo.pixels))
        ]
        assert np.abs(small[0] - small[1]).mean() < 3, path
