"""The whole photo reaches the network: nothing is cropped or stretched."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lens_core.contracts import Preprocess
from lens_core.photos.decode import decode
from lens_core.photos.preprocess import prepare

MEAN = (0.485, 0.456, 0.406)
PADDING = [124, 116, 104]


def preprocess(size=96, interpolation="bicubic"):
    return Preprocess(size, MEAN, (0.2, 0.2, 0.2), interpolation)


def framed(width, height):
    """White, with a red frame around the very edge."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("white", (width // 20, height // 20, width - width // 20, height - height // 20))
    return decode(image)


@pytest.mark.parametrize(("width", "height"), [(400, 200), (200, 400), (300, 300), (400, 100)])
def test_the_edges_of_the_photo_are_still_there(width, height):
    pixels = prepare(framed(width, height), preprocess())
    assert pixels.shape == (96, 96, 3)
    assert pixels.dtype == np.uint8
    is_photo = (pixels != PADDING).any(axis=2)
    rows, columns = np.flatnonzero(is_photo.any(axis=1)), np.flatnonzero(is_photo.any(axis=0))
    for edge in (pixels[rows[0], 48], pixels[rows[-1], 48], pixels[48, columns[0]], pixels[48, columns[-1]]):
        assert edge[0] > 200
        assert edge[1] < 130
    assert len(columns) / len(rows) == pytest.approx(width / height, rel=0.08)


def test_the_photo_lies_in_the_middle_of_the_backbones_mean_colour():
    pixels = prepare(framed(400, 200), preprocess())
    assert pixels[0, 0].tolist() == pixels[95, 95].tolist() == pixels[23, 48].tolist() == PADDING
    assert pixels[24, 48].tolist() != PADDING
    assert pixels[71, 48].tolist() != PADDING
    assert pixels[72, 48].tolist() == PADDING


def test_a_circle_stays_round():
    image = Image.new("RGB", (600, 300), "black")
    ImageDraw.Draw(image).ellipse([200, 50, 400, 250], fill="white")
    white = prepare(decode(image), preprocess())[:, :, 1] > 200
    assert white.any(axis=0).sum() == pytest.approx(white.any(axis=1).sum(), abs=1)


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_a_flat_photo_stays_flat_at_any_size(interpolation):
    grey = decode(Image.new("RGB", (500, 500), (10, 100, 200)))
    for size in (32, 224, 600):
        pixels = prepare(grey, preprocess(size, interpolation))
        assert (pixels == [10, 100, 200]).all()
