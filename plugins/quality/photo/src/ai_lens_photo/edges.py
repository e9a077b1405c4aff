"""How wide are the sharpest edges of a photo?

Counting how much fine detail a photo has (the variance of its Laplacian) confuses smooth porcelain with a
blurred photo. Here only the strongest edges are measured, by blurring them once more: an edge that was
sharp loses much of its slope, one that was blurred loses little (S. Zhuo and T. Sim, "Defocus map
estimation from a single image", Pattern Recognition 44, 2011).
"""

import math

import numpy as np
from PIL import Image

from lens_core.contracts import Pixels

_NO_EDGES = 10.0
"""Pixels. Where nothing is an edge, nothing is in focus: such a photo counts as blurred beyond measure."""
_EDGES = 0.01
"""Share of a photo's pixels that is measured: those with the steepest slopes."""
_FEWEST_EDGES = 0.0005
"""Share of a photo's pixels below which edges are specks: a plain vase on paper has few, and they count."""
_FAINTEST_EDGE = 2
"""Grey levels (of 255) per pixel; gentler slopes are rounding and noise."""
_BINOMIAL = np.array([1, 4, 6, 4, 1]) / 16
"""Blurs once more, along rows, by a sigma of 1 pixel."""


def edge_radius(light: Pixels) -> float:
    """Sigma of the blur over the edges of ``light`` uint8[h, w], in its pixels, at most 10."""
    # A moved photo is blurred in one direction only.
    return max(_radius(light), _radius(light.T))


def _radius(light: Pixels) -> float:
    """Sigma, in pixels, of the blur measured from left to right; ``_NO_EDGES`` when nothing is an edge."""
    slopes = np.diff(np.ascontiguousarray(light, np.int16), axis=1)
    if slopes.shape[1] < 5:
        return _NO_EDGES
    before = np.abs(slopes[:, 2:-2]).astype(np.uint8)
    edges = np.flatnonzero(before >= max(_steepest(before), _FAINTEST_EDGE))
    if len(edges) < _FEWEST_EDGES * before.size:
        return _NO_EDGES
    rows, columns = np.divmod(edges, before.shape[1])
    after = np.abs(slopes[rows[:, None], columns[:, None] + np.arange(5)] @ _BINOMIAL)
    ratio = float(np.median(before[rows, columns] / np.maximum(after, 1e-3)))
    # A Gaussian edge of width s, blurred by 1 pixel, keeps s / sqrt(s^2 + 1) of its slope.
    return min(1 / math.sqrt(max(ratio**2 - 1, 1e-6)), _NO_EDGES)


def _steepest(slopes: Pixels) -> int:
    """The slope that one in a hundred pixels exceeds."""
    gentler = np.cumsum(Image.fromarray(slopes).histogram())
    return int(np.searchsorted(gentler, int(slopes.size * (1 - _EDGES)), side="right"))
