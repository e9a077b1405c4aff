"""Copies of one photo are found; different photos are not taken for copies."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from lens_core.photos.decode import decode
from lens_core.photos.duplicates import groups, pairs, phash


def photo(seed, size=(640, 480)):
    """A busy picture, as different from one seed to the next as photos are."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", size, tuple(random.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = random.uniform(0, 1, 2) * size
        r = random.uniform(30, 180)
        draw.ellipse([x - r, y - r, x + r, y + r], fill=tuple(random.integers(0, 256, 3).tolist()))
    return image


def recompressed(image):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=40)
    return Image.open(file)


COPIES = {
    "recompressed": recompressed,
    "half the size": lambda image: image.resize((320, 240)),
    "a little brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
    "sent by a messenger": lambda image: recompressed(image.resize((427, 320))),
}


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES.keys())
def test_a_copy_is_found(change):
    for seed in range(10):
        image = photo(seed)
        assert pairs([phash(decode(image)), phash(decode(change(image)))]) == [(0, 1)], seed


def test_different_photos_are_no_copies():
    assert pairs([phash(decode(photo(seed))) for seed in range(40)]) == []


def test_real_photos_of_different_exhibits_are_no_copies(shared):
    places = sorted((shared / "photos" / "museums" / "data").iterdir())
    paths = [min(item.iterdir()) for place in places for item in sorted(place.iterdir())]
    hashes = [phash(decode(path)) for path in paths]
    assert pairs(hashes) == []
    smaller = [
        phash(decode(recompressed(Image.open(path).convert("RGB").resize((300, 300))))) for path in paths
    ]
    missed = [
        path for path, one, other in zip(paths, hashes, smaller, strict=True) if not pairs([one, other])
    ]
    assert missed == []


def test_a_copy_of_a_copy_belongs_to_the_same_group():
    found = groups(7, [(0, 3), (3, 5), (1, 2)])
    assert found[0] == found[3] == found[5]
    assert found[1] == found[2]
    assert len({found[0], found[1], found[4], found[6]}) == 4


def test_groups_do_not_depend_on_the_order_in_which_pairs_were_found():
    near = [(0, 1), (1, 2), (2, 3), (5, 6), (4, 6)]
    one, other = groups(8, near), groups(8, near[::-1])
    same = one[:, None] == one[None]
    np.testing.assert_array_equal(same, other[:, None] == other[None])
    assert same.sum() == 4 * 4 + 3 * 3 + 1


def test_no_photos_and_one_photo_have_no_pairs():
    assert pairs([]) == []
    assert pairs([phash(decode(photo(0)))]) == []
