"""How wide are the sharpest edges of a photo?

Counting how much fine detail a photo has (the variance of its Laplacian) confuses smooth porcelain with a
blurred photo. Here only the strongest edges are measured, by blurring them once more: an edge that was
sharp loses much of its slope, one that was blurred loses little (S. Zhuo and T. Sim, "Defocus map
estimation from a single image", Pattern Recognition 44, 2011).
"""

import math

import numpy as np

from lens_core.contracts import Floats

_NO_EDGES = 10.0
"""Pixels. Where nothing is an edge, nothing is in focus: such a photo counts as blurred beyond measure."""
_EDGES = 0.01
"""Share of a photo's pixels that is measured: those with the steepest slopes."""
_FEWEST_EDGES = 0.0005
"""Share of a photo's pixels below which edges are specks: a plain vase on paper has few, and they count."""
_FAINTEST_EDGE = 2.0
"""Grey levels (of 255) per pixel; gentler slopes are rounding and noise."""


def edge_radius(light: Floats) -> float:
    """Sigma of the blur over the edges of ``light`` float32[h, w] (0..255), in its pixels, at most 10."""
    # A moved photo is blurred in one direction only.
    return max(_radius(light), _radius(light.T))


def _radius(light: Floats) -> float:
    """Sigma, in pixels, of the blur measured from left to right; ``_NO_EDGES`` when nothing is an edge."""
    slopes: Floats = np.diff(np.ascontiguousarray(light), axis=1)
    if slopes.shape[1] < 5:
        return _NO_EDGES
    before, after = np.abs(slopes[:, 2:-2]), np.abs(_blur_again(slopes))
    edges = before >= max(_steepest(before), _FAINTEST_EDGE)
    if edges.mean() < _FEWEST_EDGES:
        return _NO_EDGES
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
