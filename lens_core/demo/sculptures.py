"""The sculpture room: a pagoda, a stone lantern and a Jeju grandfather."""

from __future__ import annotations

import attrs
import numpy as np

from lens_core.demo.paint import carved, grain, inside, mottle, painted, petals, stroke, toned, unrolled
from lens_core.demo.shapes import (
    Array,
    Solid,
    ball,
    join,
    outline,
    polygon,
    rotated,
    scaled,
    smooth,
    tube,
    turned,
)

GRANITE = (0.38, 0.365, 0.335)
BASALT = (0.16, 0.16, 0.17)


def _stone(solid: Solid, seed: int, rough: float = 0.0007) -> Solid:
    """Weather a solid: grains, blotches and a little lichen."""
    solid = carved(solid, lambda p: mottle(p, 0.035, seed), rough)
    solid = toned(
        solid, 1 + 0.16 * mottle(solid.points, 0.3, seed + 1) + 0.16 * grain(len(solid.points), seed)
    )
    return painted(solid, 0.5 * np.clip(mottle(solid.points, 0.2, seed + 2) - 0.6, 0, 1), (0.30, 0.33, 0.20))


def _upturned(roof: Solid, reach: float, lift: float, sides: int) -> Solid:
    """Bend the corners of a roof upwards, as Korean eaves do."""
    x, z = roof.points[:, 0], roof.points[:, 2]
    angle = np.arctan2(x, z)
    corner = np.abs(np.mod(angle * sides / (2 * np.pi), 1) - 0.5) * 2  # 0 at a corner, 1 mid-side
    amount = lift * (1 - corner) ** 3 * (np.hypot(x, z) / reach) ** 3
    return attrs.evolve(roof, points=roof.points + amount[:, None] * np.array([0, 1, 0], np.float32))


# How far a pagoda's roof stone reaches out of its storey, and how high above the storey.
ROOF = outline("0 0, 0.03 0.012, 0.06 0.025, 0.105 0.03, 0.105 0.05, 0.03 0.075, -0.06 0.085")


def pagoda() -> Solid:
    """A five-storey granite pagoda with a finial."""
    four, parts, level = polygon(4), [], 0.0
    plinth = outline("0 0, 0.4 0, 0.4 0.05, 0.33 0.06, 0.33 0.15, 0.37 0.155, 0.37 0.18, 0 0.19")
    parts.append(turned(_corners(plinth), GRANITE, 0.05, section=four, detail=(440, 150)))
    level = 0.185
    for storey in range(5):
        wide = 0.205 - 0.022 * storey
        tall = 0.17 if storey == 0 else 0.10 - 0.008 * storey
        body = [(wide, level), (wide, level + tall)]
        eave = level + tall
        roof = [(wide + out, eave + up) for out, up in ROOF]
        parts.append(turned(_corners(body), GRANITE, 0.05, section=four, detail=(360, 60)))
        top = turned(_corners(roof), GRANITE, 0.05, section=four, detail=(400, 90))
        parts.append(_upturned(top, (wide + 0.1) * 1.41, 0.035, 4))
        level = eave + 0.08
    finial = smooth(
        [
            (0.06, level),
            (0.06, level + 0.03),
            (0.02, level + 0.04),
            (0.05, level + 0.07),
            (0.015, level + 0.10),
            (0.0, level + 0.16),
        ]
    )
    parts.append(turned(finial, GRANITE, 0.05, detail=(120, 80)))
    return _stone(scaled(join(*parts), (0.95, 0.86, 0.95)), seed=11)


def _corners(line: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A section's flats are nearer than its corners: widen, so widths mean flat to flat."""
    return [(radius * 1.414, height) for radius, height in line]


def lantern() -> Solid:
    """A stone lantern: lotus foot, slim pillar, eight-sided fire box with dark windows, roof."""
    eight = polygon(8)
    foot = turned(
        outline("0 0, 0.3 0, 0.3 0.06, 0.27 0.12, 0.12 0.16, 0 0.16", rounds=2),
        GRANITE,
        0.05,
        detail=(360, 130),
    )
    foot = toned(foot, 1 - 0.55 * petals(foot.points, 8, 0.02, 0.13, 0.009))
    pillar = turned([(0.095, 0.15), (0.085, 0.46)], GRANITE, 0.05, section=eight, detail=(240, 160))
    cup = turned(
        outline("0.09 0.46, 0.14 0.47, 0.24 0.53, 0.25 0.56, 0 0.565", rounds=2),
        GRANITE,
        0.05,
        detail=(360, 130),
    )
    cup = toned(cup, 1 - 0.55 * petals(rotated(cup, 0, 180).points, 8, -0.56, -0.47, 0.008))
    house = turned([(0.165, 0.56), (0.165, 0.77)], GRANITE, 0.05, section=eight, detail=(400, 140))
    house = _windows(house)
    slope = outline("0.16 0.77, 0.31 0.785, 0.325 0.8, 0.32 0.82, 0.19 0.87, 0.08 0.92, 0 0.925")
    roof = _upturned(turned(slope, GRANITE, 0.05, section=eight, detail=(520, 170)), 0.33, 0.045, 8)
    finial = turned(
        outline("0.07 0.92, 0.08 0.94, 0.03 0.96, 0.06 0.99, 0.05 1.02, 0 1.06", rounds=2),
        GRANITE,
        0.05,
        detail=(120, 80),
    )
    return _stone(join(foot, pillar, cup, house, roof, finial), seed=21)


def _windows(house: Solid) -> Solid:
    """Every other side of the fire box opens, and it is dark inside."""
    turn = np.arctan2(house.points[:, 0], house.points[:, 2])
    off = np.mod(turn + np.pi / 4, np.pi / 2) - np.pi / 4
    across = 0.165 * np.tan(np.clip(off, -0.7, 0.7))
    frame = np.maximum(np.abs(across) - 0.038, np.abs(house.points[:, 1] - 0.665) - 0.07)
    house = toned(house, 1 - 0.25 * inside(frame - 0.012))
    return painted(house, inside(frame), (0.02, 0.018, 0.015))


def grandfather() -> Solid:
    """A Jeju stone grandfather: felt hat, bulging eyes, broad nose, hands on the belly."""
    body = outline(
        "0 0, 0.25 0, 0.27 0.08, 0.285 0.28, 0.26 0.48, 0.235 0.56, 0.225 0.62, 0.235 0.72, "
        "0.22 0.86, 0 0.88",
        rounds=4,
    )
    hat = outline("0.2 0.8, 0.285 0.82, 0.285 0.86, 0.235 0.88, 0.22 0.97, 0.14 1.05, 0 1.06", rounds=3)
    parts = [turned(body, BASALT, 0.05, detail=(500, 330)), turned(hat, BASALT, 0.05, detail=(420, 150))]
    for side in (-1, 1):
        parts.append(ball((side * 0.088, 0.735, 0.20), (0.062, 0.056, 0.05), BASALT, 0.05))
        parts.append(ball((side * 0.24, 0.70, 0.0), (0.035, 0.085, 0.055), BASALT, 0.05))
    parts.append(ball((0, 0.68, 0.225), (0.042, 0.085, 0.055), BASALT, 0.05))
    parts.append(ball((0, 0.645, 0.235), (0.062, 0.035, 0.045), BASALT, 0.05))
    parts += [_arm(-1, 0.40, 0.31), _arm(1, 0.24, 0.17)]
    figure = _stone(join(*parts), seed=31, rough=0.0014)
    figure = painted(figure, 0.8 * _mouth(figure.points), (0.04, 0.04, 0.04))
    pores = inside(0.75 - mottle(figure.points, 0.03, 33), 0.1)
    return toned(figure, 1 - 0.5 * pores)


def _arm(side: int, elbow: float, hand: float) -> Solid:
    turn = np.radians([80, 70, 45, 15, -12])
    height = np.array([0.53, 0.40, elbow - 0.03, hand + 0.04, hand + 0.03])
    path = np.stack([side * 0.28 * np.sin(turn), height, 0.285 * np.cos(turn)], axis=1)
    arm = tube(path, 0.05, BASALT, 0.05, detail=(160, 60))
    fingers = [
        ball(
            (side * -0.05, hand + 0.06 - 0.026 * k, 0.285), (0.07, 0.017, 0.04), BASALT, 0.05, detail=(60, 40)
        )
        for k in range(4)
    ]
    shoulder = ball((side * 0.262, 0.53, 0.05), (0.055, 0.055, 0.055), BASALT, 0.05)
    return join(arm, shoulder, *fingers)


def _mouth(points: Array) -> Array:
    flat = unrolled(points, 0.23)
    front = (points[:, 2] > 0).astype(np.float32)
    return stroke(flat, [(-0.08, 0.585), (0.0, 0.573), (0.08, 0.585)], 0.010) * front
