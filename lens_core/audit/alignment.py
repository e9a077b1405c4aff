"""Whether one photo is another one again, cropped, tilted or stretched: they are laid over each other.

Baker and Matthews, Lucas-Kanade 20 Years On (IJCV 2004): the inverse compositional algorithm for affine
movements, with gain and offset for changed brightness.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lens_core.contracts import Floats

Movement = NDArray[np.float64]
"""float64[2, 3]: where in the second picture a point of the first lies; the centre is 0, a side is 1."""

_STAY: Movement = np.eye(2, 3)
_LEAST_OVERLAP = 0.5
"""Share of the picture."""
_ALIKE_AT_FIRST_SIGHT = 0.9
"""Correlation at a quarter of the side below which a closer look is not worth it. Copies begin at 0.93."""
_LEAST_GAIN = 0.2
_FARTHEST = 0.25
"""Of a side: how far a corner may move. With a tenth cut off, or tilted by five degrees, it moves 0.1."""
_FAR, _NEAR = 12, 1
"""Times of smoothing: between the two lie the details that only the very same shot shares."""


def same_details(first: Floats, second: Floats) -> float:
    """How well the details of two greys float32[S, S] agree once they lie over each other.

    1: the same shot; two shots of one exhibit stay below 0.9; -1: they cannot be laid over each other.
    """
    movement = _align(_coarser(first, 4), _coarser(second, 4), _STAY, smooth=2, steps=10)
    if movement is None or _correlation(_coarser(first, 4), _moved(_coarser(second, 4), movement)) < (
        _ALIKE_AT_FIRST_SIGHT
    ):
        return -1.0
    movement = _align(_coarser(first, 2), _coarser(second, 2), movement, smooth=1, steps=5)
    if movement is not None:
        movement = _align(first, second, movement, smooth=1, steps=5)
    if movement is None or _farthest(movement) > _FARTHEST:
        return -1.0
    return _correlation(_details(first), _moved(_details(second), movement))


def _align(first: Floats, second: Floats, movement: Movement, smooth: int, steps: int) -> Movement | None:
    """The movement that brings ``second`` over ``first``; None when it gets lost."""
    picture = _smooth(second, smooth)
    slopes = _slopes(_smooth(first, smooth))
    for _ in range(steps):
        moved = _moved(picture, movement).ravel()
        seen = ~np.isnan(moved)
        if seen.mean() < _LEAST_OVERLAP:
            return None
        *change, gain, _offset = _explain(moved[seen], slopes[:, seen])
        if abs(gain) < _LEAST_GAIN:
            return None
        step = _matrix(_STAY + np.reshape(change, (2, 3)) / gain)
        movement = (_matrix(movement) @ np.linalg.inv(step))[:2]
        if np.abs(step - np.eye(3)).max() * len(first) < 0.05:  # a twentieth of a pixel
            break
    return movement


def _slopes(picture: Floats) -> Floats:
    """float32[8, S * S]: how each point changes with each of the six movements, with gain and with offset."""
    side = len(picture)
    down, across = (slope * side for slope in np.gradient(picture))
    rows, columns = (np.mgrid[:side, :side] + 0.5) / side - 0.5
    one = np.ones_like(picture)
    movements = (across * columns, across * rows, across, down * columns, down * rows, down)
    return np.stack((*movements, picture, one)).reshape(8, -1).astype(np.float32)


def _explain(moved: Floats, slopes: Floats) -> NDArray[np.float64]:
    """float64[8]: how much of each change makes the first picture what the moved one is (least squares)."""
    square = (slopes @ slopes.T).astype(np.float64)
    square[np.arange(8), np.arange(8)] += 1e-4 * square.diagonal() + 1e-3  # a picture of one colour
    return np.asarray(np.linalg.solve(square, (slopes @ moved).astype(np.float64)), np.float64)


def _matrix(movement: Movement) -> Movement:
    return np.vstack((movement, (0, 0, 1)))


def _moved(picture: Floats, movement: Movement) -> Floats:
    """The picture as it lies after the movement; NaN where it shows nothing."""
    side, centre = len(picture), len(picture) / 2
    (a, b, right), (c, d, down) = movement
    inverse = (
        a, b, right * side + centre * (1 - a - b),
        c, d, down * side + centre * (1 - c - d),
    )  # fmt: skip
    image = Image.fromarray(picture).transform(
        (side, side), Image.Transform.AFFINE, inverse, Image.Resampling.BILINEAR, fillcolor=float("nan")
    )
    return np.asarray(image)


def _correlation(first: Floats, second: Floats) -> float:
    seen = ~np.isnan(second)
    if seen.mean() < _LEAST_OVERLAP:
        return -1.0
    one, other = (values[seen] - values[seen].mean() for values in (first, second))
    size = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / size if size > 0 else -1.0


def _farthest(movement: Movement) -> float:
    """How far the corner that moves most moves."""
    corners = np.array([[x, y, 1] for x in (-0.5, 0.5) for y in (-0.5, 0.5)])
    return float(np.linalg.norm(corners @ (movement - _STAY).T, axis=1).max())


def _details(picture: Floats) -> Floats:
    return _smooth(picture, _NEAR) - _smooth(picture, _FAR)


def _coarser(picture: Floats, by: int) -> Floats:
    side = len(picture) // by
    coarse: Floats = picture.reshape(side, by, side, by).mean(axis=(1, 3))
    return coarse


def _smooth(picture: Floats, times: int) -> Floats:
    """Convolved so many times with (1, 2, 1) / 4 both ways."""
    for _ in range(times):
        padded = np.pad(picture, 1, mode="edge")
        rows = padded[:-2] + 2 * padded[1:-1] + padded[2:]
        picture = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 16
    return picture
