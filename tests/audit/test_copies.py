"""One shot under two names is found, however it was changed; two shots are not taken for one."""

import io
import shutil

import pytest
from PIL import Image

from lens_core.audit.audit import audit
from lens_core.photos.layout import scan


def recompressed(image):
    return Image.open(io.BytesIO(_jpeg(image, 35)))


def cropped(image):
    """A twentieth cut off each way."""
    width, height = image.size
    return image.crop((round(width * 0.05), 0, width, round(height * 0.95)))


def tilted(image):
    return image.rotate(2, Image.Resampling.BICUBIC, fillcolor=image.getpixel((0, 0)))


CHANGES = {
    "recompressed": recompressed,
    "resized": lambda image: image.resize((image.width * 2 // 5, image.height * 2 // 5)),
    "cropped": cropped,
    "tilted": tilted,
    "on its side": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "upside down": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "brighter": lambda image: image.point(lambda value: min(255, round(value * 1.15))),
    "cropped and on its side": lambda image: cropped(image).transpose(Image.Transpose.ROTATE_270),
}


def _jpeg(image, quality=90):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def pairs(data):
    return {
        (pair.first, pair.second, pair.kind) for pair in audit(scan(data), 1).pairs if pair.kind != "near"
    }


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_of_a_real_photo_is_found_and_nothing_else(museums, change):
    data = museums(2)
    place = sorted(data.iterdir())[0]
    one, other = sorted(place.iterdir())[:2]
    photo = sorted(one.iterdir())[0]
    (other / "new.jpg").write_bytes(_jpeg(CHANGES[change](Image.open(photo).convert("RGB"))))
    first, second = (path.relative_to(data).as_posix() for path in (photo, other / "new.jpg"))
    assert pairs(data) == {(first, second, "copy")}


def test_real_photos_of_real_exhibits_are_no_copies_of_each_other(museums):
    cut_from_one_shot = {"西晋_西晋金珰_97628214/angle_10.jpg", "西晋_西晋金珰_97628214/angle_11.jpg"}
    found = [{path.partition("/")[2] for path in pair[:2]} for pair in pairs(museums(99))]
    assert [pair for pair in found if pair != cut_from_one_shot] == []


def test_drawn_photos_of_one_exhibit_are_no_copies_of_each_other(exhibition):
    assert pairs(exhibition) == set()


def test_the_same_file_is_found_under_every_name(some):
    data = some(2)
    photo = next(data.rglob("photo_*.jpg"))
    for number in range(3):
        shutil.copy(photo, photo.with_name(f"z{number}.jpg"))
    name = photo.relative_to(data).as_posix()
    copies = {f"{photo.parent.relative_to(data).as_posix()}/z{number}.jpg" for number in range(3)}
    assert pairs(data) == {(name, copy, "exact") for copy in copies}


def test_one_shot_alone_in_two_items_is_a_contradiction_and_no_reason_to_stop(some):
    data = some(1)
    one, other = sorted(data.glob("*/*/*.jpg"))
    other.write_bytes(one.read_bytes())
    found = audit(scan(data), 1)
    assert [remark.check for remark in found.remarks if remark.other] == ["contradiction"]
    assert [item.readiness for item in found.items] == [None, None]


def test_photos_of_one_colour_are_no_reason_to_stop(some):
    data = some(2)
    for number, colour in enumerate(("black", "white", "grey")):
        Image.new("RGB", (300, 200), colour).save(next(data.rglob("photo_*.jpg")).with_name(f"{number}.png"))
    assert pairs(data) == set()
