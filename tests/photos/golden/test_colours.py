"""Photos look as their owners saw them, whatever colours their camera, editor or press counts in."""

import io

import golden_profiles as profiles
import numpy as np
import pytest
from PIL import Image, ImageCms

from lens_core.photos.colour import BAD_PROFILE
from lens_core.photos.decode import decode

COLOURS = [(200, 60, 40), (40, 180, 60), (30, 60, 190), (255, 0, 0), (128, 128, 128), (255, 255, 255)]


def photo(mode, colour, profile, image_format="TIFF", size=(64, 48), **how):
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, image_format, icc_profile=profile, **how)
    return decode(file.getvalue())


def assert_colour(photo, expected, within=3):
    assert photo.pixels[20, 20].tolist() == pytest.approx(expected, abs=within)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_the_wide_colours_of_a_phone_become_those_of_a_screen(image_format, colour):
    if image_format == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    how = {} if image_format in ("PNG", "TIFF") else {"quality": 100}
    found = photo("RGB", colour, profiles.display_p3(), image_format, **how)
    assert_colour(found, profiles.p3_in_srgb(colour), 3 if image_format in ("PNG", "TIFF") else 8)
    assert found.notes == ()


def test_a_large_photo_is_converted_too():
    found = photo("RGB", (200, 60, 40), profiles.display_p3(), "JPEG", (3000, 2000), quality=100)
    assert_colour(found, profiles.p3_in_srgb((200, 60, 40)), 5)


@pytest.mark.parametrize("inks", sorted(profiles.INKS))
@pytest.mark.parametrize("image_format", ["JPEG", "TIFF"])
def test_printed_colours_follow_the_profile_of_the_press(image_format, inks):
    how = {"quality": 100} if image_format == "JPEG" else {}
    found = photo("CMYK", tuple(255 * ink for ink in (*inks, 0)), profiles.press(), image_format, **how)
    assert_colour(found, profiles.lab_in_srgb(profiles.INKS[inks]), 4)
    assert found.notes == ()


def test_black_ink_is_black():
    assert_colour(photo("CMYK", (0, 0, 0, 255), profiles.press()), [0, 0, 0])


@pytest.mark.parametrize("value", [0, 60, 128, 200, 255])
def test_greys_follow_their_own_curve(value):
    for mode in ("L", "LA"):
        colour = value if mode == "L" else (value, 255)
        found = photo(mode, colour, profiles.grey_gamma(1.0), "PNG")
        assert_colour(found, profiles.grey_in_srgb(value, 1.0))


def test_16_bit_greys_follow_their_own_curve():
    file = io.BytesIO()
    pixels = np.full((48, 64), 128 * 257, np.uint16)
    Image.fromarray(pixels).save(file, "TIFF", icc_profile=profiles.grey_gamma(1.0))
    assert_colour(decode(file.getvalue()), profiles.grey_in_srgb(128, 1.0))


def test_a_photo_made_grey_in_an_editor_keeps_its_greys():
    # The editor left the profile of the RGB original in the file.
    found = photo("L", 100, profiles.display_p3())
    assert_colour(found, [100, 100, 100])
    assert found.notes == ()


def test_a_half_transparent_colour_is_converted_before_it_lies_on_white():
    colour = profiles.p3_in_srgb((200, 60, 40))
    found = photo("RGBA", (200, 60, 40, 128), profiles.display_p3(), "PNG")
    assert_colour(found, [255 + (value - 255) * 128 / 255 for value in colour])


def test_a_profile_that_says_srgb_changes_nothing():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", icc_profile=profile)
    np.testing.assert_array_equal(decode(file.getvalue()).pixels, pixels)


@pytest.mark.parametrize(
    "profile",
    [b"no profile at all", profiles.display_p3()[:200], profiles.press(), profiles.grey_gamma(1.0)],
    ids=["nonsense", "cut short", "of a press", "of greys"],
)
def test_a_profile_that_cannot_be_used_is_ignored_and_said(profile):
    found = photo("RGB", (200, 60, 40), profile, "PNG")
    assert_colour(found, [200, 60, 40], 0)
    assert (
        found.notes == (BAD_PROFILE,) == ("its colour profile is damaged or of another kind and was ignored",)
    )


def test_inks_without_a_profile_mix_as_before():
    assert_colour(photo("CMYK", (0, 255, 255, 0), None), [255, 0, 0])
