import numpy as np
import pytest
from ai_lens_photo.regions import grown
from PIL import Image, ImageFilter


@pytest.mark.parametrize("by", [1, 2, 3])
@pytest.mark.parametrize("shape", [(40, 57), (30, 8), (8, 30)])
def test_marks_grow_as_under_pillows_filter(shape, by):
    rng = np.random.default_rng(0)
    marks = rng.integers(1, 21, shape, dtype=np.uint8) * (rng.random(shape) < 0.05)
    filtered = Image.fromarray(marks).filter(ImageFilter.MaxFilter(2 * by + 1))
    assert np.array_equal(grown(marks, by), np.asarray(filtered))
    assert np.array_equal(grown(marks > 0, by), np.asarray(filtered) > 0)
