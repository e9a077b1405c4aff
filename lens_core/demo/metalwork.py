"""The metalwork room: a temple bell, a gilt incense burner, and a fine-line mirror."""

from __future__ import annotations

import attrs
import numpy as np

from lens_core.demo.paint import band, carved, inside, mottle, painted, petals, toned
from lens_core.demo.shapes import (
    Array,
    Fine,
    Solid,
    ball,
    box,
    join,
    moved,
    outline,
    rotated,
    tube,
    turned,
)

BRONZE = (0.22, 0.19, 0.12)
VERDIGRIS = (0.13, 0.26, 0.21)
GOLD = (0.80, 0.52, 0.16)
DARK_WOOD = (0.05, 0.035, 0.03)


def bell() -> Solid:
    """A bronze temple bell: banded rims, four fields of nine bosses, dragon loop and sound pipe."""
    profile = outline(
        "0.3 0.06, 0.325 0.06, 0.335 0.16, 0.34 0.32, 0.315 0.55, 0.26 0.74, 0.2 0.8, 0 0.82", rounds=3
    )
    body = turned(profile, BRONZE, 0.45, metal=0.5)
    body = carved(body, _bell_relief, 0.012)
    lines = _bell_relief(body.points)
    body = toned(body, 0.75 + 0.55 * lines)
    loop = np.radians(np.linspace(-15, 195, 24))
    dragon = tube(
        np.stack([0.085 * np.cos(loop), 0.81 + 0.11 * np.sin(loop), 0 * loop], axis=1),
        0.028,
        BRONZE,
        0.45,
        0.5,
    )
    pipe = turned([(0.035, 0.80), (0.04, 0.96), (0.0, 0.965)], BRONZE, 0.45, 0.5, detail=(90, 60))
    bosses = join(*_bosses())
    cast = join(body, dragon, moved(pipe, (0, 0, -0.07)), bosses)
    rust = np.clip(0.25 + 0.7 * mottle(cast.points, 0.22, 51), 0, 0.75)
    cast = painted(cast, rust, VERDIGRIS)
    blocks = [box((x - 0.04, 0, -0.3), (x + 0.04, 0.06, 0.3), DARK_WOOD, 0.3) for x in (-0.2, 0.2)]
    return join(cast, *blocks)


def _bosses() -> list[Solid]:
    found = []
    for side in range(4):
        for k in range(9):
            angle = np.radians(side * 90 + 45 + (k % 3 - 1) * 15)
            height = 0.585 + 0.052 * (k // 3)
            radius = float(np.interp(height, [0.55, 0.62, 0.68, 0.72], [0.302, 0.285, 0.268, 0.255]))
            at = (float(radius * np.sin(angle)), height, float(radius * np.cos(angle)))
            found.append(ball(at, (0.016, 0.016, 0.016), (0.3, 0.25, 0.15), 0.5, 0.5, detail=(24, 20)))
    return found


def _bell_relief(points: Array) -> Array:
    """Raised lines of the bell, 0..1: scroll bands, boss frames, striking discs."""
    y = points[:, 1]
    angle = np.arctan2(points[:, 0], points[:, 2])
    scroll = 0.5 + 0.5 * np.sin(14 * angle + 3 * np.sin(28 * angle) + 60 * y)
    bands = band(points, 0.07, 0.15) * scroll + band(points, 0.152, 0.165) + band(points, 0.535, 0.545)
    off = np.abs(np.mod(angle, np.pi / 2) - np.pi / 4)  # 0 in the middle of a boss field
    frame = np.maximum(off - 0.40, np.abs(y - 0.637) - 0.085)
    bands = bands + inside(np.abs(frame + 0.02) - 0.014, 0.008)
    front = np.mod(angle + np.pi / 4, np.pi / 2) - np.pi / 4
    gap = np.hypot(front * 0.33, y - 0.33)
    flower = 0.06 * (0.75 + 0.25 * np.cos(8 * np.arctan2(front * 0.33, y - 0.33)))
    bands = bands + inside(gap - flower) + inside(np.abs(gap - 0.078) - 0.006)
    return np.asarray(np.clip(bands, 0, 1), np.float32)


def burner() -> Solid:
    """A gilt-bronze incense burner: coiled foot, lotus bowl, mountain lid, phoenix on top."""
    foot = turned(
        outline("0 0, 0.22 0, 0.21 0.03, 0.1 0.08, 0.05 0.14, 0.05 0.22, 0.09 0.26", rounds=3),
        GOLD,
        0.7,
        1.0,
        detail=(320, 200),
    )
    foot = carved(foot, _coils, 0.012)
    bowl = turned(
        outline("0.06 0.25, 0.15 0.28, 0.235 0.36, 0.25 0.46, 0.25 0.47, 0.2 0.47", rounds=3),
        GOLD,
        0.7,
        1.0,
        detail=(420, 200),
    )
    bowl = carved(bowl, _leaves, 0.010)
    bowl = toned(bowl, 1 - 0.6 * _leaves(bowl.points))
    lid = turned(
        outline(
            "0.25 0.475, 0.255 0.49, 0.235 0.6, 0.17 0.72, 0.08 0.8, 0.03 0.82, 0.03 0.86, 0 0.86", rounds=3
        ),
        GOLD,
        0.7,
        1.0,
        detail=(520, 300),
    )
    peaks = _peaks(lid.points)
    lid = attrs.evolve(lid, points=lid.points + 0.022 * peaks[:, None] * lid.normals)
    lid = carved(lid, _peaks, 0.022)
    lid = toned(lid, 0.45 + 0.65 * peaks)
    rim = tube(_circle(0.252, 0.473), 0.011, GOLD, 0.8, 1.0, detail=(300, 20))
    gilt = join(foot, bowl, rim, lid, moved(_phoenix(), (0, 0.86, 0)))
    return painted(gilt, np.clip(mottle(gilt.points, 0.22, 61) - 0.35, 0, 0.6), (0.30, 0.20, 0.08))


def _circle(radius: float, height: float) -> Fine:
    turn = np.linspace(0, 2 * np.pi, 80)
    return np.stack([radius * np.sin(turn), 0 * turn + height, radius * np.cos(turn)], axis=1)


def _coils(points: Array) -> Array:
    angle = np.arctan2(points[:, 0], points[:, 2])
    return np.asarray(np.sin(3 * angle + 60 * points[:, 1]), np.float32)


def _leaves(points: Array) -> Array:
    rows = [petals(points, 9, 0.27 + 0.055 * k, 0.36 + 0.055 * k, 0.007) for k in range(3)]
    return np.asarray(np.maximum.reduce(rows), np.float32)


def _peaks(points: Array) -> Array:
    """Mountains behind mountains, 0 in the valleys .. 1 on the ridges."""
    angle, y = np.arctan2(points[:, 0], points[:, 2]), points[:, 1]
    found = np.zeros(len(points), np.float32)
    for row in range(4):
        low = 0.485 + 0.085 * row
        across = np.abs(np.mod(angle * (7 - row) / (2 * np.pi) + 0.5 * row, 1) - 0.5) * 2
        up = np.clip(1.15 - np.abs((y - low - 0.045) / 0.07) - 0.85 * across**1.3, 0, 1)
        found = np.maximum(found, up.astype(np.float32))
    return found


def _phoenix() -> Solid:
    neck = np.array([[0.0, 0.09, 0.03], [0.0, 0.15, 0.06], [0.0, 0.20, 0.05]])
    parts = [
        ball((0, 0.07, 0), (0.042, 0.05, 0.065), GOLD, 0.7, 1),
        tube(neck, 0.018, GOLD, 0.7, 1),
        ball((0, 0.21, 0.06), (0.024, 0.024, 0.034), GOLD, 0.7, 1),
        ball((0, 0.205, 0.095), (0.008, 0.008, 0.02), GOLD, 0.7, 1),
    ]
    for side in (-1, 1):
        wing = np.array([[0.03 * side, 0.08, 0], [0.11 * side, 0.13, -0.02], [0.13 * side, 0.20, -0.03]])
        parts.append(tube(wing, 0.02, GOLD, 0.7, 1))
        tail = np.array([[0.01 * side, 0.08, -0.05], [0.03 * side, 0.17, -0.09], [0.02 * side, 0.27, -0.07]])
        parts.append(tube(tail, 0.013, GOLD, 0.7, 1))
    return join(*parts, tube(np.array([[0, 0, 0], [0, 0.05, 0.0]]), 0.016, GOLD, 0.7, 1))


def mirror() -> Solid:
    """A bronze mirror with fine lines, its back with two knobs turned to the visitor, on an easel."""
    profile = outline("0 -0.02, 0.4 -0.02, 0.42 0, 0.41 0.025, 0.385 0.02, 0.375 0.008, 0 0.008")
    disc = rotated(turned(profile, (0.13, 0.15, 0.12), 0.55, 0.6, detail=(720, 420)), 0, 90)
    disc = toned(disc, 0.45 + 1.6 * _fine_lines(disc.points))
    disc = painted(disc, np.clip(0.7 * mottle(disc.points, 0.3, 71) - 0.15, 0, 0.5), VERDIGRIS)
    knobs = [
        ball((x, 0.155, 0.012), (0.035, 0.022, 0.03), (0.2, 0.21, 0.16), 0.6, 0.6) for x in (-0.06, 0.06)
    ]
    plate = moved(rotated(join(disc, *knobs), 0, -12), (0, 0.50, 0.02))
    legs = [
        tube(np.array([[x, 0.02, 0.16], [x * 0.7, 0.62, -0.13]]), 0.016, DARK_WOOD, 0.4, detail=(300, 24))
        for x in (-0.24, 0.24)
    ]
    back = tube(np.array([[0, 0.02, -0.34], [0, 0.62, -0.12]]), 0.016, DARK_WOOD, 0.4, detail=(300, 24))
    ledge = box((-0.3, 0.05, 0.1), (0.3, 0.08, 0.19), DARK_WOOD, 0.4)
    return join(plate, *legs, back, ledge)


def _fine_lines(points: Array) -> Array:
    """Rings of hatched triangles, as on the mirrors of the Korean bronze age."""
    radius = np.hypot(points[:, 0], points[:, 1])
    angle = np.arctan2(points[:, 0], points[:, 1])
    found = np.zeros(len(points), np.float32)
    for inner, outer, count in ((0.29, 0.365, 22), (0.20, 0.27, 16), (0.13, 0.18, 10), (0.0, 0.11, 12)):
        within = (radius > inner) & (radius < outer)
        across = np.mod(angle * count / (2 * np.pi), 1)
        up = (radius - inner) / (outer - inner)
        tooth = up < 1 - 2 * np.abs(across - 0.5)
        hatch = np.where(tooth, np.sin((across + up) * 22), -0.6)
        found = np.where(within, 0.35 + 0.35 * hatch + 0.3 * tooth, found).astype(np.float32)
    return np.where(points[:, 2] > 0, found, np.float32(0.4))
