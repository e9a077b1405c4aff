"""Out of focus, or moved: how wide are the sharpest edges of the photo?

Counting how much fine detail a photo has (the variance of its Laplacian) confuses smooth porcelain with a
blurred photo. Here only the strongest edges are measured, by blurring them once more: an edge that was
sharp loses much of its slope, one that was blurred loses little (S. Zhuo and T. Sim, "Defocus map
estimation from a single image", Pattern Recognition 44, 2011).
"""

import math

import numpy as np

from ai_lens_photo.options import PhotoOptions
from ai_lens_photo.severity import severity
from lens_core.contracts import Finding, Floats

HINTS = {"ko": "초점을 맞추고 흔들리지 않게", "en": "Focus on the exhibit and hold still"}
WORST_RADIUS = 4.0
"""Pixels at long side 512 from where a photo cannot get any worse: 8 pixels at 1024."""
_EDGES = 0.01
"""Share of a photo's pixels that is measured: those with the steepest slopes."""
_NO_EDGES = 10.0
"""Pixels. Nothing in focus shows no edge at all, so such a photo counts as blurred beyond measure."""
_FAINTEST_EDGE = 2.0
"""Grey levels (of 255) per pixel; gentler slopes are rounding and noise."""


def blur(light: Floats, options: PhotoOptions) -> Finding | None:
    """A finding when the photo's strongest edges are wider than ``options.blur_radius``."""
    radius = max(_radius(light), _radius(light.T))  # a moved photo is blurred in one direction only
    if radius <= options.blur_radius:
        return None
    return Finding("blur", severity(radius, options.blur_radius, WORST_RADIUS), HINTS, round(radius, 2))


def _radius(light: Floats) -> float:
    """Sigma, in pixels, of the blur measured from left to right; ``_NO_EDGES`` when nothing is an edge."""
    slopes: Floats = np.diff(np.ascontiguousarray(light), axis=1)
    if slopes.shape[1] < 5:
        return _NO_EDGES
    before, after = np.abs(slopes[:, 2:-2]), np.abs(_blur_again(slopes))
    steep = _steepest(before)
    if steep < _FAINTEST_EDGE:
        return _NO_EDGES
    edges = before >= steep
    ratio = float(np.median(before[edges] / np.maximum(after[edges], 1e-3)))
    # A Gaussian edge of width s, blurred by 1 pixel, keeps s / sqrt(s^2 + 1) of its slope.
    return min(1 / math.sqrt(max(ratio**2 - 1, 1e-6)), _NO_EDGES)


def _blur_again(slopes: Floats) -> Floats:
    """Along rows, by the binomial kernel 1 4 6 4 1, whose sigma is 1 pixel."""
    outer = slopes[:, 4:] + slopes[:, :-4]
    inner = slopes[:, 3:-1] + slopes[:, 1:-3]
    return np.asarray((outer + 4 * inner + 6 * slopes[:, 2:-2]) / 16, dtype=np.float32)


def _steepest(slopes: Floats) -> float:
    """The slope that one in a hundred pixels exceeds."""
    place = int(slopes.size * (1 - _EDGES))
    return float(np.partition(slopes, place, axis=None)[place])
