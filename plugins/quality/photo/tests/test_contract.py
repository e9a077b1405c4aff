"""The contract of every photo check (lens_core.hookspecs.check_photo), asked of the installed plugin."""

import numpy as np
import pytest

from lens_core import plugins
from lens_core.contracts import Finding, Photo
from lens_core.errors import BadSettingError


def check(pixels, **options):
    driver = plugins.load("quality", "photo")
    photo = Photo(pixels, pixels.shape[1], pixels.shape[0])
    (findings,) = driver.call("check_photo", photo=photo, options=driver.options(options))
    return findings


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (2, 3), (7, 7), (33, 1024), (768, 1024)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_photo_of_any_shape_and_level_is_answered(shape, level):
    for finding in check(np.full((*shape, 3), level, dtype=np.uint8)):
        assert isinstance(finding, Finding)
        assert 0 <= finding.severity <= 1
        assert finding.check.isidentifier()
        assert np.isfinite(finding.measured)


def test_every_finding_says_what_to_do_in_korean_and_english():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    spoilt = [np.zeros_like(noise), np.full_like(noise, 255), noise]
    findings = [finding for pixels in spoilt for finding in check(pixels)]
    assert {finding.check for finding in findings} == {"dark", "bright", "blur"}
    assert all(finding.hints["ko"] and finding.hints["en"] for finding in findings)


def test_the_photo_is_not_changed_and_the_answer_repeats():
    pixels = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    before = pixels.copy()
    assert check(pixels) == check(pixels)
    np.testing.assert_array_equal(pixels, before)


def test_pixels_that_cannot_be_written_and_lie_apart():
    pixels = np.zeros((300, 400, 3), dtype=np.uint8)[::2, ::-1]
    pixels.flags.writeable = False
    assert check(pixels)


def test_an_unknown_option():
    with pytest.raises(BadSettingError, match=r"no option 'blur_radios'\..*Did you mean 'blur_radius'"):
        check(np.zeros((9, 9, 3), dtype=np.uint8), blur_radios=2)
