"""What a photo looks like, in a few thousand numbers that take milliseconds: colours, outlines, surface.

No network and no download: these descriptors tell exhibits apart well enough to notice what does not fit
(benchmarks/audit says how well), long before anything is trained.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lens_core.contracts import Floats

_SIDE = 128
_COLOUR_BINS = (6, 12, 12)
"""Of lightness, red against green, and yellow against blue."""
_HOG_SIDE, _HOG_CELL, _HOG_BINS = 64, 8, 9
_LBP_REACHES = (1, 2, 4)
_LBP_LEAST_STEP = 3
"""Steps of 255 that are noise, not surface."""
_NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))

_cells = _HOG_SIDE // _HOG_CELL
PARTS = (
    int(np.prod(_COLOUR_BINS)),
    (_cells - 1) ** 2 * 4 * _HOG_BINS,
    256 * len(_LBP_REACHES),
)
"""How many of the numbers tell of colours, of outlines, and of the surface."""


def appearance(photo: Image.Image) -> NDArray[np.float16]:
    """float16[sum(PARTS)] of a photo in RGB."""
    scale = _SIDE / max(photo.size)
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    thumbnail = np.asarray(photo.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0), np.float32)
    parts = (_colours(thumbnail), _outlines(thumbnail), _surface(thumbnail.mean(axis=2)))
    return np.concatenate(parts).astype(np.float16)


def _colours(rgb: Floats) -> Floats:
    """Square roots of a histogram in opponent colours."""
    red, green, blue = np.moveaxis(rgb / np.float32(255), 2, 0)
    values = ((red + green + blue) / 3, (red - green) / 0.8 + 0.5, ((red + green) / 2 - blue) / 0.8 + 0.5)
    bins = [
        np.clip((value * count).astype(np.int64), 0, count - 1)
        for value, count in zip(values, _COLOUR_BINS, strict=True)
    ]
    counts = np.bincount(np.ravel_multi_index(bins, _COLOUR_BINS).ravel(), minlength=PARTS[0])
    return np.asarray(np.sqrt(counts / counts.sum()), np.float32)


def _outlines(thumbnail: Floats) -> Floats:
    """Histograms of oriented gradients of the whole photo on a square of its border's colour.

    Dalal and Triggs, Histograms of Oriented Gradients for Human Detection (CVPR 2005).
    """
    grey = np.sqrt(np.asarray(_on_a_square(thumbnail).resize((_HOG_SIDE, _HOG_SIDE), Image.Resampling.BOX)))
    down, across = np.gradient(grey.astype(np.float32))
    strength = np.hypot(across, down).ravel()
    direction = (np.arctan2(down, across) % np.pi / np.pi * _HOG_BINS).ravel()
    low = direction.astype(np.int64)
    share = direction - low
    slots = _cell_of_pixel() * _HOG_BINS
    size = _cells**2 * _HOG_BINS
    cells = np.bincount(slots + low % _HOG_BINS, strength * (1 - share), size)
    cells += np.bincount(slots + (low + 1) % _HOG_BINS, strength * share, size)
    grid = cells.reshape(_cells, _cells, _HOG_BINS)
    blocks = np.concatenate([grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]], axis=2)
    blocks /= np.sqrt((blocks**2).sum(axis=2, keepdims=True) + 1)
    return np.asarray(np.minimum(blocks, 0.2), np.float32).ravel()


@cache
def _cell_of_pixel() -> NDArray[np.int64]:
    rows, columns = np.mgrid[:_HOG_SIDE, :_HOG_SIDE] // _HOG_CELL
    return np.asarray(rows * _cells + columns, np.int64).ravel()


def _on_a_square(thumbnail: Floats) -> Image.Image:
    grey = thumbnail.mean(axis=2)
    height, width = grey.shape
    border = np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]))
    square = Image.new("L", (_SIDE, _SIDE), int(border))
    square.paste(Image.fromarray(grey.astype(np.uint8)), ((_SIDE - width) // 2, (_SIDE - height) // 2))
    return square


def _surface(grey: Floats) -> Floats:
    """Square roots of histograms of local binary patterns, near and far.

    Ojala, Pietikäinen and Mäenpää, Multiresolution Gray-Scale and Rotation Invariant Texture Classification
    with Local Binary Patterns (PAMI 2002).
    """
    return np.concatenate([_patterns(grey, reach) for reach in _LBP_REACHES])


def _patterns(grey: Floats, reach: int) -> Floats:
    if min(grey.shape) <= 2 * reach:  # a very long, very low photo
        return np.full(256, 1 / 16, np.float32)
    height, width = grey.shape[0] - 2 * reach, grey.shape[1] - 2 * reach
    centre = grey[reach:-reach, reach:-reach] + _LBP_LEAST_STEP
    codes = np.zeros(centre.shape, np.uint8)
    for bit, (down, across) in enumerate(_NEIGHBOURS):
        top, left = reach * (1 + down), reach * (1 + across)
        codes |= (grey[top : top + height, left : left + width] > centre).astype(np.uint8) << bit
    return np.asarray(np.sqrt(np.bincount(codes.ravel(), minlength=256) / codes.size), np.float32)
