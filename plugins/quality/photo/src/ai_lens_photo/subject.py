"""Where in the photo is the exhibit?

A wall, a table or studio paper changes its colour gently and reaches the photo's edge. So the background is
all that can be reached from there without a sudden change of colour; what is left is the exhibit (after
Y. Wei, F. Wen, W. Zhu and J. Sun, "Geodesic saliency using background priors", ECCV 2012). Where much of the
photo's edge is no such background (a crowd, a close-up), or what is left does not hang together, there is
no answer: a wrong one would send a visitor the wrong way.
"""

import numpy as np
from attrs import frozen
from PIL import Image

from ai_lens_photo.regions import Mask, grown, regions
from lens_core.contracts import Floats

_LONG_SIDE = 96
"""Pixels; the place and the size of an exhibit need no more."""
_RING = 0.04
"""Width of the photo's edge, as a share of the short side."""
_SUDDEN = 0.06
"""Change from one pixel to the next, as a share of the photo's range of light."""
_REACHED = 0.02
"""Share of the edge that an area must reach to be background: a streak of smooth exhibit may touch it."""
_PLAIN = 0.75
"""Share of the edge that must be smooth."""
_PART = 0.2
"""Size of the smallest part of an exhibit, relative to its largest; watermarks and dust are smaller."""
_OUTLINE = 2
"""Pixels around the exhibit in which its outline is."""
_TOGETHER = 0.6
"""Share of all sudden changes in the photo that the exhibit must hold."""
_FILLED = 0.3
"""Share of the box around the exhibit that it fills, at least."""
_LEAST = 0.002
"""Share of the photo below which something is no exhibit but dirt."""
_NEAR = 0.025
"""Share of the photo; what is as near as this to its edge may go on beyond."""


@frozen
class Subject:
    """The exhibit's place; all figures are shares of the photo's width and height."""

    left: float
    right: float
    top: float
    bottom: float
    median: tuple[float, float]
    """(across, down): as much of the exhibit lies on one side as on the other."""

    @property
    def on_foot(self) -> bool:
        """Whether it reaches the photo's lower edge."""
        return self.bottom > 1 - _NEAR

    @property
    def whole(self) -> bool:
        """Whether it is clear of all edges of the photo."""
        return min(self.left, self.top) >= _NEAR and max(self.right, self.bottom) <= 1 - _NEAR


def locate(image: Image.Image) -> tuple[Subject | None, float]:
    """The exhibit in an RGB image, or None when that cannot be told; and the share of sudden changes."""
    smooth = _smooth(_colours(image))
    share = 1 - float(smooth.mean())
    if min(smooth.shape) < 16:
        return None, share
    wide = max(2, round(_RING * min(smooth.shape)))
    edge = np.ones(smooth.shape, dtype=bool)
    edge[wide:-wide, wide:-wide] = False
    if smooth[edge].mean() < _PLAIN:
        return None, share
    exhibit = _solid(_left_over(smooth, edge))
    if exhibit is None or (~smooth & grown(exhibit, _OUTLINE)).sum() < _TOGETHER * (~smooth).sum():
        return None, share
    return _box(exhibit), share


def _colours(image: Image.Image) -> Floats:
    """float32[h, w, 3]: luminance, and how much redder and bluer than grey."""
    scale = min(_LONG_SIDE / max(image.size), 1)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    rgb = np.asarray(image.resize(size, Image.Resampling.BOX, reducing_gap=2.0), dtype=np.float32)
    light = rgb @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return np.stack([light, rgb[..., 0] - light, rgb[..., 2] - light], axis=2)


def _smooth(colours: Floats) -> Mask:
    """bool[h, w]: pixels that differ little from all four neighbours."""
    dark, light = np.percentile(colours[..., 0], [1, 99])
    sudden = float(np.clip(_SUDDEN * (light - dark), 3, 12))
    smooth = np.ones(colours.shape[:2], dtype=bool)
    across = np.square(np.diff(colours, axis=1)).sum(axis=2) < sudden**2
    down = np.square(np.diff(colours, axis=0)).sum(axis=2) < sudden**2
    smooth[:, 1:] &= across
    smooth[:, :-1] &= across
    smooth[1:] &= down
    smooth[:-1] &= down
    return smooth


def _left_over(smooth: Mask, edge: Mask) -> Mask:
    """What no smooth area that reaches the photo's edge covers; lines up to 2 pixels wide do not count."""
    areas = regions(smooth)
    at_edge = np.bincount(areas[edge], minlength=areas.max() + 1)
    background = at_edge >= _REACHED * edge.sum()
    background[0] = False
    return grown(~grown(background[areas], 2), 1)


def _solid(left: Mask) -> Mask | None:
    """The largest region and its parts; None when they are nothing much."""
    labels = regions(left)
    sizes = np.bincount(labels.ravel())[1:]
    if not len(sizes) or sizes[0] < _LEAST * left.size:
        return None
    exhibit = (labels > 0) & (labels <= int((sizes >= _PART * sizes[0]).sum()))
    rows, columns = np.nonzero(exhibit)
    box = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    return exhibit if len(rows) >= _FILLED * box else None


def _box(exhibit: Mask) -> Subject:
    height, width = exhibit.shape
    rows, columns = np.nonzero(exhibit)
    return Subject(
        left=float(columns.min() / width),
        right=float((columns.max() + 1) / width),
        top=float(rows.min() / height),
        bottom=float((rows.max() + 1) / height),
        median=(float((np.median(columns) + 0.5) / width), float((np.median(rows) + 0.5) / height)),
    )
