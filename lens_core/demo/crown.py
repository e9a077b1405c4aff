"""The metalwork room's gold crown."""

from __future__ import annotations

import numpy as np

from lens_core.demo.metalwork import GOLD
from lens_core.demo.paint import band, inside, mottle, toned
from lens_core.demo.shapes import Solid, ball, join, moved, outline, rotated, sheet, turned, two_sided

JADE = (0.08, 0.38, 0.20)


def crown() -> Solid:
    """A Silla gold crown: a band with three tree-shaped uprights and two antlers, jade and spangles."""
    radius = 0.27
    parts = [_ribbon([(-3.2, 0.30), (3.2, 0.30)], 0.05, radius)]
    for centre in (-0.95, 0.0, 0.95):
        parts += _tree(centre, radius)
    for side in (-1, 1):
        parts += _antler(side, radius)
    gold = join(*parts)
    gold = toned(gold, 1 + 0.12 * mottle(gold.points, 0.12, 81))
    spots = np.abs(np.mod(np.arctan2(gold.points[:, 0], gold.points[:, 2]) * 6, 1) - 0.5) * 2
    gold = toned(gold, 1 - 0.35 * inside(np.abs(spots - 0.5) - 0.1, 0.1) * band(gold.points, 0.27, 0.33))
    stand = turned(
        outline(
            "0 0, 0.27 0, 0.27 0.03, 0.16 0.06, 0.18 0.16, 0.24 0.24, 0.245 0.4, 0.22 0.62, 0.12 0.72, "
            "0 0.73",
            rounds=3,
        ),
        (0.045, 0.012, 0.018),
        0.1,
        detail=(400, 220),
    )
    return join(gold, stand)


def _ribbon(line: list[tuple[float, float]], half: float, radius: float) -> Solid:
    """A strip of gold sheet along (angle, height) on the crown's cylinder; ``half`` is half its width."""
    path = np.asarray(line, np.float64)
    length = np.abs(np.diff(path, axis=0)) @ (radius, 1.0)
    at = np.linspace(0, len(path) - 1, max(70, int(280 * length.sum())))
    angle, height = (np.interp(at, np.arange(len(path)), path[:, k]) for k in (0, 1))
    ahead = np.stack([np.gradient(angle) * radius, np.gradient(height)], axis=1)
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    off = np.linspace(-half, half, max(14, int(600 * half)))
    a = angle[:, None] - ahead[:, 1:] * off / radius
    y = height[:, None] + ahead[:, :1] * off
    flare = radius * (1 + 0.25 * np.clip(y - 0.35, 0, 1))
    grid = np.stack([np.sin(a) * flare, y, np.cos(a) * flare], axis=2)
    return two_sided(sheet(grid, GOLD, 0.7, 1.0))


def _hung(angle: float, height: float, radius: float, jade: bool) -> Solid:
    """A spangle or a comma-shaped jade bead in front of the gold."""
    flare = radius * (1 + 0.25 * max(height - 0.35, 0)) + 0.012
    at = (float(np.sin(angle) * flare), height, float(np.cos(angle) * flare))
    size = (0.017, 0.026, 0.014) if jade else (0.017, 0.017, 0.006)
    bead = ball((0, 0, 0), size, JADE if jade else GOLD, 0.8, 0.0 if jade else 1.0, detail=(30, 24))
    return moved(rotated(bead, 1, float(np.degrees(angle))), at)


def _tree(centre: float, radius: float) -> list[Solid]:
    """One upright like the character 出, three times over."""
    parts = [_ribbon([(centre, 0.30), (centre, 0.95)], 0.018, radius), _hung(centre, 0.97, radius, jade=True)]
    for height in (0.44, 0.60, 0.76):
        wide = 0.34
        arms = [
            (centre - wide, height + 0.12),
            (centre - wide, height),
            (centre + wide, height),
            (centre + wide, height + 0.12),
        ]
        parts += [_ribbon(arms[k : k + 2], 0.015, radius) for k in range(3)]
        for side in (-1, 1):
            parts.append(_hung(centre + side * wide, height + 0.13, radius, jade=True))
            parts.append(_hung(centre + side * wide * 0.5, height - 0.005, radius, jade=False))
        parts.append(_hung(centre, height + 0.07, radius, jade=False))
    return parts


def _antler(side: int, radius: float) -> list[Solid]:
    parts = [_ribbon([(side * 1.9, 0.30), (side * 2.0, 0.6), (side * 1.85, 0.95)], 0.016, radius)]
    for height, out in ((0.5, 0.35), (0.66, -0.35), (0.80, 0.3)):
        parts.append(_ribbon([(side * 1.96, height), (side * (1.96 + out), height + 0.13)], 0.013, radius))
        parts.append(_hung(side * (1.96 + out), height + 0.14, radius, jade=False))
    return parts
