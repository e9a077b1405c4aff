"""What visitors photograph by mistake: walls, floors, a bench, a plant, a sign, each other."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
from PIL import Image

from lens_core.demo.camera import photograph
from lens_core.demo.paint import band, dot, painted, toned
from lens_core.demo.room import FLOOR, furnish
from lens_core.demo.shapes import Colour, Solid, ball, box, join, moved, outline, smooth, tube, turned
from lens_core.demo.shot import Shot, take_aim

Rng = np.random.Generator


def bench(rng: Rng) -> Solid:
    """A wooden bench with two legs."""
    tone = float(rng.uniform(0.5, 1.3))
    wood: Colour = (0.32 * tone, 0.19 * tone, 0.10 * tone)
    seat = box((-0.75, 0.38, -0.2), (0.75, 0.45, 0.2), wood, 0.3, step=0.006)
    seat = toned(seat, 1 + 0.15 * np.sin(seat.points[:, 2] * 90))
    legs = [box((x - 0.05, 0, -0.17), (x + 0.05, 0.38, 0.17), (0.06, 0.06, 0.06), 0.3) for x in (-0.55, 0.55)]
    return join(seat, *legs)


def visitor(rng: Rng) -> Solid:
    """A visitor seen from behind, dark against the light."""
    coat, hair = _dark(rng, 0.12), _dark(rng, 0.05)
    wide = float(rng.uniform(0.85, 1.15))
    shape = outline("0 0, 0.17 0, 0.16 0.5, 0.2 0.8, 0.22 1.15, 0.21 1.28, 0.08 1.36, 0.07 1.42")
    body = turned(smooth([(r * wide, h) for r, h in shape], 3), coat, 0.05, detail=(500, 500))
    head = ball((0, 1.53, 0), (0.105, 0.135, 0.12), hair, 0.2, detail=(200, 140))
    arms = []
    for side in (-1, 1):
        hang = np.array([[0.2 * side, 1.25, 0], [0.26 * side, 0.95, 0.02], [0.24 * side, 0.68, 0.1]]) * (
            wide,
            1,
            1,
        )
        arms.append(tube(hang, 0.055, coat, 0.05, detail=(260, 90)))
    return join(body, head, *arms)


def _dark(rng: Rng, top: float) -> Colour:
    tone = rng.uniform(0.01, top, 3)
    return float(tone[0]), float(tone[1]), float(tone[2])


def plant(rng: Rng) -> Solid:
    """A pot plant."""
    pot = turned(
        [(0.0, 0.0), (0.13, 0.0), (0.18, 0.3), (0.15, 0.3), (0.14, 0.27), (0.0, 0.27)], (0.5, 0.5, 0.48), 0.2
    )
    leaves = []
    for _ in range(26):
        turn, out = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.38)
        tip = np.array([np.sin(turn) * out, rng.uniform(0.45, 0.95), np.cos(turn) * out])
        leaves.append(
            tube(
                np.stack([[0, 0.25, 0], tip * (0.5, 1, 0.5), tip]),
                0.012,
                (0.07, 0.22, 0.07),
                0.3,
                detail=(160, 20),
            )
        )
        at = (float(tip[0]), float(tip[1]), float(tip[2]))
        leaves.append(ball(at, (0.07, 0.025, 0.07), (0.08, 0.27, 0.08), 0.4, detail=(70, 40)))
    return join(pot, *leaves)


def sign(rng: Rng) -> Solid:
    """A sign on a post: a red ring or a white arrow."""
    board = box((-0.28, 0.85, 0.0), (0.28, 1.35, 0.03), (0.75, 0.75, 0.72), 0.3)
    flat = board.points[:, :2]
    if rng.random() < 0.5:
        board = painted(board, dot(flat, (0, 1.1), 0.2) - dot(flat, (0, 1.1), 0.15), (0.6, 0.03, 0.03))
        board = painted(board, dot(flat, (0, 1.1), 0.07), (0.03, 0.03, 0.03))
    else:
        board = painted(board, np.ones(len(flat), np.float32), (0.03, 0.12, 0.3))
        board = painted(board, band(board.points, 1.07, 1.13) * (np.abs(flat[:, 0]) < 0.18), (0.8, 0.8, 0.8))
    post = tube(np.array([[0, 0, 0], [0, 0.85, 0]]), 0.02, (0.1, 0.1, 0.1), 0.5, detail=(400, 30))
    foot = turned([(0.16, 0.0), (0.16, 0.02), (0.0, 0.03)], (0.1, 0.1, 0.1), 0.5, detail=(260, 100))
    return join(board, post, foot)


def extinguisher(rng: Rng) -> Solid:
    """A fire extinguisher."""
    body = turned(
        outline("0 0, 0.09 0, 0.09 0.42, 0.03 0.48, 0.03 0.53, 0 0.54", rounds=2),
        (0.55, 0.02, 0.02),
        0.6,
    )
    body = painted(body, band(body.points, 0.15, 0.3), (0.7, 0.7, 0.65))
    hose = np.array([[0.03, 0.5, 0], [0.13, 0.45, 0.03], [0.12, 0.2, 0.05]])
    return join(body, tube(hose, 0.012, (0.02, 0.02, 0.02), 0.3))


THINGS: tuple[Callable[[Rng], Solid], ...] = (bench, visitor, plant, sign, extinguisher)


def wall_photo(rng: Rng, wall: Colour) -> Image.Image:
    """A photo of nothing but a wall."""
    shot = attrs.evolve(
        take_aim(rng), aim=(float(rng.normal(0, 0.5)), 0.4, 0.0), elevation=float(rng.uniform(-12, 8))
    )
    return photograph(None, attrs.evolve(furnish(rng, wall, None), blobs=()), shot, rng)


def stray_photo(rng: Rng, kind: int, wall: Colour, stand: Colour) -> Image.Image:
    """A photo of no exhibit at all; ``kind`` counts through what it may show instead."""
    step = kind % (len(THINGS) * 2)
    if step < len(THINGS):
        solid = THINGS[step](rng)
        shot = _on_the_floor(take_aim(rng, _extent(solid)))
        return photograph(moved(solid, (0.0, FLOOR, 0.0)), furnish(rng, wall, None), shot, rng)
    if step < len(THINGS) + 2:
        return wall_photo(rng, wall)
    if step == len(THINGS) + 2:  # an exhibit out on loan
        return photograph(None, furnish(rng, wall, stand), take_aim(rng), rng)
    shot = attrs.evolve(take_aim(rng), elevation=float(rng.uniform(35, 70)), aim=(0.0, -0.8, 0.0))
    return photograph(None, furnish(rng, wall, None), shot, rng)


def _on_the_floor(shot: Shot) -> Shot:
    return attrs.evolve(shot, aim=(shot.aim[0], shot.aim[1] + FLOOR, 0.0))


def _extent(solid: Solid) -> float:
    """The height to frame; a long, low thing counts by its length."""
    return float(max(solid.points[:, 1].max(), 0.8 * np.ptp(solid.points[:, 0])))
