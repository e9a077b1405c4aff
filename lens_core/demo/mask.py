"""The sculpture room's laughing mask."""

from __future__ import annotations

import numpy as np

from lens_core.demo.paint import inside, mottle, painted, toned
from lens_core.demo.shapes import Colour, Fine, Solid, box, join, moved, rotated, sheet, two_sided

LACQUER = (0.36, 0.12, 0.045)
STAND = (0.05, 0.04, 0.035)


def mask() -> Solid:
    """A Hahoe mask on a stand: lacquered wood, crescent eyes and a wide grin."""
    across, down = np.meshgrid(np.linspace(-1, 1, 360), np.linspace(-1, 1, 420), indexing="ij")
    # The square of samples is squeezed into a disc, so the rim is smooth.
    x, y = across * np.sqrt(1 - down**2 / 2), down * np.sqrt(1 - across**2 / 2)
    width = 0.32 - 0.05 * np.clip(-y, 0, 1) ** 2
    face = np.stack([x * width, 0.37 * y, _face_height(x, y)], axis=2)
    front = _face_paint(sheet(face, LACQUER, gloss=0.5), x.ravel(), y.ravel())
    head = moved(two_sided(front), (0, 0.62, 0.04))
    foot = box((-0.20, 0.0, -0.14), (0.20, 0.05, 0.14), STAND, 0.4)
    post = box((-0.02, 0.05, -0.02), (0.02, 0.6, 0.02), STAND, 0.4)
    return join(rotated(head, 0, -4), foot, post)


def _bump(x: Fine, y: Fine, at: tuple[float, float], size: tuple[float, float]) -> Fine:
    return np.asarray(np.exp(-(((x - at[0]) / size[0]) ** 2) - ((y - at[1]) / size[1]) ** 2))


def _face_height(x: Fine, y: Fine) -> Fine:
    """The relief of the face over the unit disc, z up from the rim."""
    z = 0.20 * np.sqrt(np.clip(1 - (x**2 + y**2) * 0.98, 0, 1))
    side = np.abs(x)
    z = z + 0.15 * _bump(x, y, (0, -0.06), (0.15, 0.2)) + 0.05 * _bump(x, y, (0, 0.18), (0.1, 0.26))
    z = z + 0.035 * _bump(side, y, (0.17, -0.14), (0.09, 0.08))  # nostrils
    brow = y - 0.42 - 0.10 * np.cos(side * 4)
    z = z + 0.055 * np.exp(-((brow / 0.08) ** 2)) * np.clip((side - 0.07) / 0.08, 0, 1) * (side < 0.85)
    z = (
        z
        + 0.06 * _bump(side, y, (0.5, -0.12), (0.2, 0.2))
        - 0.03 * _bump(side, y, (0.38, 0.22), (0.24, 0.08))
    )
    z = z + 0.05 * _bump(x, y, (0, -0.74), (0.3, 0.14))
    return np.asarray(z - 0.02 * np.exp(-((_grin(x, y) / 0.03) ** 2)) * (side < 0.56))


def _grin(x: Fine, y: Fine) -> Fine:
    """Signed height over the line of the mouth."""
    return np.asarray(y + 0.50 - 0.45 * x**2)


def _face_paint(front: Solid, x: Fine, y: Fine) -> Solid:
    side = np.abs(x)
    lid = y - 0.24 + 1.6 * (side - 0.38) ** 2
    eye = np.maximum(np.abs(lid) - 0.028, np.abs(side - 0.38) - 0.21)
    grin = np.maximum(np.abs(_grin(x, y)) - 0.05 * (1 - side), side - 0.56)
    front = toned(front, (1 + 0.18 * mottle(front.points, 0.2, 41)).astype(np.float32))
    brow = np.maximum(np.abs(y - 0.44 - 0.10 * np.cos(side * 4)) - 0.035, np.abs(side - 0.42) - 0.34)
    front = painted(front, 0.75 * inside(brow.astype(np.float32), 0.02), (0.05, 0.035, 0.03))
    cheek = np.exp(-(((side - 0.55) / 0.14) ** 2) - ((y + 0.14) / 0.13) ** 2)
    front = painted(front, (0.5 * cheek).astype(np.float32), (0.55, 0.08, 0.04))
    dark: Colour = (0.015, 0.01, 0.01)
    front = painted(front, inside(eye.astype(np.float32), 0.012), dark)
    return painted(front, inside(grin.astype(np.float32), 0.012), dark)
