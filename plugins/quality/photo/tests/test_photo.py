"""What a visitor would notice, on drawn photos and, where they are, on real ones."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from lens_core import plugins
from lens_core.contracts import Photo

SHARED = Path(__file__).parents[4] / "../shared/photos"
PHONE = sorted((SHARED / "exif").glob("*"))
WHOLE_EXHIBITS = sorted((SHARED / "museums/data").glob("*/*/main.jpg"))[::3]
needs_phone_photos = pytest.mark.skipif(not PHONE, reason="the phone photos in ../shared/photos are not here")
needs_museum_photos = pytest.mark.skipif(
    not WHOLE_EXHIBITS, reason="the museum photos in ../shared/photos are not here"
)


def findings(image, original=None, **options):
    driver = plugins.load("quality", "photo")
    photo = Photo(np.asarray(image.convert("RGB")), *(original or image.size))
    (found,) = driver.call("check_photo", photo=photo, options=driver.options(options))
    return {finding.check: finding for finding in found}


def vase(background, size=1024):
    """A sharp, painted exhibit of middle brightness on paper."""
    image = Image.new("RGB", (size, size * 3 // 4), background)
    draw = ImageDraw.Draw(image)
    draw.ellipse([size * 0.25, size * 0.05, size * 0.75, size * 0.7], fill=(150, 130, 110))
    rng = np.random.default_rng(0)
    for x, y, width in rng.uniform([0.32, 0.15, 0.03], [0.6, 0.5, 0.1], (40, 3)) * size:
        draw.ellipse([x, y, x + width, y + width], fill=tuple(rng.integers(40, 190, 3).tolist()))
    return image


def wall(width=1024, height=768):
    """Evenly painted, lit from above, with a sensor's grain."""
    shade = np.linspace(190, 120, height)[:, None, None] * np.array([1, 0.97, 0.92])
    grain = np.random.default_rng(0).normal(0, 2, (height, width, 3))
    return Image.fromarray((shade + grain).clip(0, 255).astype(np.uint8))


def hung(across, down, size, on=None):
    """A painted dish, ``size`` of the wall's height across, its middle at these shares of the wall."""
    image = on or wall()
    draw = ImageDraw.Draw(image)
    radius = size * image.height / 2
    x, y = across * image.width, down * image.height
    draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(70, 40, 30))
    for angle in np.arange(0, 2 * np.pi, 0.7):
        spot = [x + 0.6 * radius * np.cos(angle), y + 0.6 * radius * np.sin(angle)]
        corners = [spot[0] - radius / 6, spot[1] - radius / 6, spot[0] + radius / 6, spot[1] + radius / 6]
        draw.rectangle(corners, fill=(200, 180, 90))
    return image


def with_lamp(image, across, down, size=0.03):
    """A lamp mirrored in the glass: white, and glowing."""
    height, width = image.height, image.width
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(x - across * width, y - down * height) / (size * width)
    light = 500 * np.exp(-(distance**2)) + 60 * np.exp(-distance / 2)
    return Image.fromarray((np.asarray(image) + light[..., None]).clip(0, 255).astype(np.uint8))


def hazed(image, share):
    return Image.blend(image, Image.new("RGB", image.size, (200, 200, 200)), share)


def lit(image, factor):
    return image.point(lambda level: min(255, round(level * factor)))


def moved(image, length):
    steps = [np.roll(np.asarray(image, dtype=np.float32), shift, axis=1) for shift in range(length)]
    return Image.fromarray(np.mean(steps, axis=0).astype(np.uint8))


@pytest.mark.parametrize("background", ["black", "white", "gray"])
def test_a_sharp_exhibit_on_studio_paper_is_fine(background):
    assert findings(vase(background)) == {}


@pytest.mark.parametrize("size", [400, 640, 1024])
def test_blur_is_noticed_at_any_resolution(size):
    blurred = vase("gray", size).filter(ImageFilter.GaussianBlur(4 * size / 1024))
    assert set(findings(blurred)) == {"blur"}


def test_the_worse_the_blur_the_higher_its_severity():
    found = [findings(vase("gray").filter(ImageFilter.GaussianBlur(radius)))["blur"] for radius in (3, 5, 12)]
    assert found[0].severity < found[1].severity < found[2].severity == 1
    # 3 and 5 pixels at 1024 are 1.5 and 2.5 at 512; edges that run aslant measure up to 1.4 times that.
    assert [finding.measured for finding in found[:2]] == pytest.approx([1.8, 3.0], rel=0.25)


def test_a_photo_moved_in_one_direction_is_blurred():
    assert set(findings(moved(vase("gray"), 24))) == {"blur"}
    assert set(findings(moved(vase("gray").rotate(90, expand=True), 24))) == {"blur"}


def test_a_photo_without_any_edge_is_blurred():
    assert findings(Image.new("RGB", (800, 600), "gray"))["blur"].severity == 1


def test_too_little_light():
    found = findings(lit(vase("gray"), 0.3))
    assert set(found) == {"dark"}
    assert found["dark"].severity < findings(lit(vase("gray"), 0.15))["dark"].severity
    assert found["dark"].hints["ko"] == "더 밝은 곳에서, 그림자를 피해서"


def test_in_the_dark_light_is_asked_for_before_focus():
    found = findings(lit(vase("gray").filter(ImageFilter.GaussianBlur(20)), 0.08))
    assert list(found) == ["dark", "blur"]
    assert found["dark"].severity == found["blur"].severity == 1


def test_too_much_light():
    found = findings(lit(vase("gray"), 2.2))
    assert set(found) == {"bright"}
    assert found["bright"].hints["ko"] == "너무 밝지 않게, 조명과 햇빛을 피해서"


def test_a_lamp_in_the_corner_does_not_hide_a_dark_exhibit():
    image = lit(vase("gray"), 0.3)
    ImageDraw.Draw(image).ellipse([0, 0, 150, 150], fill="white")
    assert set(findings(image)) == {"dark"}


def test_thresholds_are_options():
    blurred = vase("gray").filter(ImageFilter.GaussianBlur(4))
    assert findings(blurred, blur_radius=5) == {}
    assert "dark" in findings(vase("gray"), dark_level=0.9)
    assert "bright" in findings(lit(vase("gray"), 2.2), bright_share=0.3)
    assert findings(lit(vase("gray"), 2.2), bright_share=0.9) == {}
    assert findings(hung(0.8, 0.5, 0.5), off_centre_distance=0.9) == {}
    assert findings(hung(0.5, 0.5, 0.2), too_small_extent=0.1) == {}
    assert findings(with_lamp(hung(0.5, 0.5, 0.7), 0.5, 0.5), glare_share=0.5) == {}
    assert findings(hazed(hung(0.5, 0.5, 0.7), 0.8), low_contrast_ratio=0.02) == {}
    assert set(findings(hung(0.5, 0.5, 0.7), tiny_side=800)) == {"tiny"}


def test_exhibits_in_the_middle_of_a_wall_are_fine():
    assert findings(hung(0.5, 0.5, 0.7)) == {}
    assert findings(hung(0.45, 0.6, 0.45)) == {}


@pytest.mark.parametrize(("across", "down"), [(0.2, 0.5), (0.8, 0.5), (0.5, 0.22), (0.85, 0.75)])
def test_an_exhibit_beside_the_middle(across, down):
    found = findings(hung(across, down, 0.4))
    assert set(found) == {"off_centre"}
    assert found["off_centre"].hints["ko"] == "작품이 프레임 중앙에 오도록"


def test_an_exhibit_that_the_edge_cuts_off_is_off_centre():
    found = findings(hung(0.98, 0.5, 0.6))
    assert set(found) == {"off_centre"}
    assert found["off_centre"].severity > findings(hung(0.75, 0.5, 0.6))["off_centre"].severity


def test_a_pedestal_that_leaves_the_photo_does_not_draw_the_exhibit_down():
    image = wall()
    ImageDraw.Draw(image).rectangle([300, 480, 724, 768], fill=(60, 60, 65))
    assert findings(hung(0.5, 0.42, 0.5, on=image)) == {}


def test_an_exhibit_far_away():
    near, far = (findings(hung(0.5, 0.5, size)) for size in (0.25, 0.15))
    assert set(near) == set(far) == {"too_small"}
    assert near["too_small"].hints["ko"] == "더 가까이 촬영"
    assert near["too_small"].measured == pytest.approx(0.25, abs=0.05)
    assert near["too_small"].severity < far["too_small"].severity


def test_a_sword_across_the_photo_is_near_enough():
    image = wall()
    ImageDraw.Draw(image).rectangle([200, 360, 824, 400], fill=(50, 50, 60))
    assert findings(image) == {}


def test_a_label_beside_an_exhibit_does_not_move_it():
    image = hung(0.45, 0.5, 0.6)
    ImageDraw.Draw(image).rectangle([850, 400, 920, 450], fill=(240, 240, 235))
    assert findings(image) == {}


def test_a_label_is_not_mistaken_for_the_exhibit_when_that_is_as_smooth_as_its_pedestal():
    image = wall()
    draw = ImageDraw.Draw(image)
    draw.ellipse([280, 120, 744, 560], fill=(225, 220, 205))
    draw.rectangle([330, 500, 694, 768], fill=(222, 217, 203))
    draw.rectangle([930, 60, 1000, 120], fill=(240, 240, 235))
    assert findings(image) == {}


def test_where_there_is_no_plain_background_nothing_is_said_about_the_framing():
    crowd = np.random.default_rng(0).integers(20, 235, (12, 16, 3), dtype=np.uint8)
    scene = Image.fromarray(crowd).resize((1024, 768), Image.Resampling.NEAREST)
    assert findings(scene) == {}
    assert findings(hung(0.8, 0.5, 0.2, on=scene)) == {}


def test_a_lamp_in_the_glass():
    one = findings(with_lamp(hung(0.5, 0.5, 0.7), 0.5, 0.45))
    two = findings(with_lamp(with_lamp(hung(0.5, 0.5, 0.7), 0.42, 0.45), 0.6, 0.6))
    assert set(one) == set(two) == {"glare"}
    assert one["glare"].hints["ko"] == "반사/글레어 줄이기"
    assert one["glare"].severity < two["glare"].severity


@pytest.mark.parametrize("radius", [0, 4])
def test_a_white_label_on_the_exhibit_is_no_glare(radius):
    image = hung(0.5, 0.5, 0.7)
    ImageDraw.Draw(image).rectangle([480, 360, 540, 400], fill="white")
    assert "glare" not in findings(image.filter(ImageFilter.GaussianBlur(radius)))


def test_paper_that_shows_between_an_exhibits_feet_is_no_glare():
    image = vase("white")
    ImageDraw.Draw(image).ellipse([440, 400, 560, 470], fill=(248, 249, 250))
    assert findings(image.filter(ImageFilter.GaussianBlur(1))) == {}


def test_fogged_glass():
    thin, thick = (findings(hazed(hung(0.5, 0.5, 0.7), share)) for share in (0.7, 0.9))
    assert set(thin) == set(thick) == {"low_contrast"}
    assert thin["low_contrast"].severity < thick["low_contrast"].severity
    assert thin["low_contrast"].hints["en"] == "Wipe the lens and avoid fogged glass"


def test_a_dark_photo_is_not_called_hazy_nor_a_bare_wall():
    assert set(findings(lit(hung(0.5, 0.5, 0.7), 0.2))) == {"dark"}
    assert set(findings(Image.new("RGB", (800, 600), "gray"))) == {"blur"}
    assert findings(wall()) == {}


def test_a_thumbnail():
    small, smaller = (findings(hung(0.5, 0.5, 0.7).resize(size)) for size in ((200, 150), (100, 75)))
    assert small["tiny"].severity < smaller["tiny"].severity
    assert small["tiny"].measured == 150


def test_what_counts_is_the_photo_as_it_was_taken():
    panorama = hung(0.5, 0.5, 0.7).crop((0, 300, 1024, 420))
    assert "tiny" in findings(panorama)
    assert "tiny" not in findings(panorama, original=(8192, 960))


@needs_phone_photos
def test_phone_photos_are_fine_until_they_are_spoilt():
    photos = [opened(path) for path in PHONE]
    assert [set(findings(photo)) for photo in photos] == [set()] * len(photos)
    for name, spoil in {
        "blur": lambda photo: photo.filter(ImageFilter.GaussianBlur(4)),
        "dark": lambda photo: lit(photo, 0.2),
        "low_contrast": lambda photo: hazed(photo, 0.8),
    }.items():
        assert [set(findings(spoil(photo))) for photo in photos] == [{name}] * len(photos)


@needs_museum_photos
def test_museum_exhibits_are_framed_well_until_they_are_moved():
    photos = [opened(path) for path in WHOLE_EXHIBITS]
    framing = {"off_centre", "too_small"}
    assert [framing & set(findings(photo)) for photo in photos] == [set()] * len(photos)
    moved_away = ["off_centre" in findings(beside(photo)) for photo in photos]
    assert np.mean(moved_away) > 0.6


def opened(path):
    with Image.open(path) as image:
        image.draft("RGB", (1024, 1024))
        photo = ImageOps.exif_transpose(image).convert("RGB")
    photo.thumbnail((1024, 1024))
    return photo


def beside(photo):
    """With as much again of its right edge, out of focus, on the right."""
    edge = photo.crop((photo.width - 4, 0, photo.width, photo.height)).resize(photo.size)
    wide = Image.new("RGB", (2 * photo.width, photo.height))
    wide.paste(edge.filter(ImageFilter.GaussianBlur(12)), (photo.width, 0))
    wide.paste(photo, (0, 0))
    return wide


def test_the_plugin_needs_only_numpy_and_pillow():
    code = (
        "import sys, ai_lens_photo\nprint({'torch', 'cv2', 'scipy', 'skimage', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
