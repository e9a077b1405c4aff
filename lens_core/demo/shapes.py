"""Solids as clouds of surface points: turned vessels, balls, boxes and ribbons.

A point cloud is all the demo needs: a camera can project it, a painter can colour it, and every
shape is made with the same few helpers. Lengths are in units of roughly one exhibit height; y is
up and +z faces the visitor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]  # float32 where it is kept, whatever numpy makes on the way
Colour = tuple[float, float, float]
Fine = npt.NDArray[np.float64]  # while a surface is made: float32 would leave ripples in the normals
Section = Callable[[Fine, Fine], Fine]  # (angle, height) -> factor on the radius


@attrs.frozen(eq=False)
class Solid:
    """Surface points with what the light needs to know about them."""

    points: Array  # float32[N, 3]
    normals: Array  # float32[N, 3], unit length, pointing outwards
    colour: Array  # float32[N, 3], linear reflectance 0..1
    gloss: Array  # float32[N], 0 dull .. 1 mirror-like highlight
    metal: Array  # float32[N], 1 where highlights take the colour of the material


def join(*solids: Solid) -> Solid:
    """Put solids into one."""
    return Solid(
        points=np.concatenate([s.points for s in solids]),
        normals=np.concatenate([s.normals for s in solids]),
        colour=np.concatenate([s.colour for s in solids]),
        gloss=np.concatenate([s.gloss for s in solids]),
        metal=np.concatenate([s.metal for s in solids]),
    )


def sheet(grid: Fine, colour: Colour, gloss: float = 0.2, metal: float = 0.0) -> Solid:
    """A curved sheet from ``float64[U, V, 3]`` points; its front is du x dv."""
    du, dv = np.gradient(grid, axis=0), np.gradient(grid, axis=1)
    normals = np.cross(du, dv).reshape(-1, 3)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    # At a pole the sheet shrinks to a point and has no normal of its own; up is good enough.
    normals = np.where(length > 1e-12, normals / np.maximum(length, 1e-12), (0.0, 1.0, 0.0))
    count = len(normals)
    return Solid(
        points=grid.reshape(-1, 3).astype(np.float32),
        normals=normals.astype(np.float32),
        colour=np.tile(np.asarray(colour, np.float32), (count, 1)),
        gloss=np.full(count, gloss, np.float32),
        metal=np.full(count, metal, np.float32),
    )


def two_sided(solid: Solid) -> Solid:
    """The same thin sheet, visible from behind too."""
    return join(solid, attrs.evolve(solid, normals=-solid.normals))


def smooth(corners: Sequence[tuple[float, float]], rounds: int = 4) -> list[tuple[float, float]]:
    """Round a polyline by cutting its corners (Chaikin 1974); the ends stay."""
    line = np.asarray(corners, np.float64)
    for _ in range(rounds):
        near, far = 0.75 * line[:-1] + 0.25 * line[1:], 0.25 * line[:-1] + 0.75 * line[1:]
        inner = np.stack([near, far], axis=1).reshape(-1, 2)
        line = np.concatenate([line[:1], inner, line[-1:]])
    return [(float(a), float(b)) for a, b in line]


def outline(text: str, rounds: int = 0) -> list[tuple[float, float]]:
    """A profile written as "radius height, radius height, ..." from the foot up, rounded if asked."""
    pairs = (pair.split() for pair in text.split(","))
    corners = [(float(radius), float(height)) for radius, height in pairs]
    return smooth(corners, rounds) if rounds else corners


def resample(line: Sequence[tuple[float, float]], count: int) -> Fine:
    """``count`` points evenly spaced along a polyline, float64[count, 2]."""
    corners = np.asarray(line, np.float64)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    at = np.linspace(0.0, along[-1], count)
    return np.stack([np.interp(at, along, corners[:, k]) for k in (0, 1)], axis=1)


def turned(
    profile: Sequence[tuple[float, float]],
    colour: Colour,
    gloss: float = 0.2,
    metal: float = 0.0,
    section: Section | None = None,
    detail: tuple[int, int] = (560, 400),
) -> Solid:
    """A solid of revolution about y; ``profile`` is (radius, height) from the foot upwards.

    A profile may turn inwards at the lip and go down again: that is the inside of a bowl.
    """
    across, along = detail
    curve = resample(profile, along)
    angle = np.linspace(-np.pi, np.pi, across, endpoint=True)[:, None]
    radius, height = curve[None, :, 0], curve[None, :, 1]
    if section is not None:
        radius = radius * section(angle, height)
    ones = np.ones((across, along))
    grid = np.stack([np.sin(angle) * radius * ones, height * ones, np.cos(angle) * radius], axis=2)
    return sheet(grid, colour, gloss, metal)


def polygon(sides: int) -> Section:
    """A section with flat sides; one of them faces the visitor."""

    def section(angle: Fine, height: Fine) -> Fine:
        wedge = 2 * np.pi / sides
        off = np.mod(angle + wedge / 2, wedge) - wedge / 2
        return np.asarray(np.cos(np.pi / sides) / np.cos(off))

    return section


def lobes(count: int, depth: float) -> Section:
    """A section with rounded lobes, like a melon."""

    def section(angle: Fine, height: Fine) -> Fine:
        return np.asarray(1 - depth + depth * np.abs(np.cos(count * angle / 2)) ** 0.7)

    return section


def ball(
    centre: Colour,
    radii: Colour,
    colour: Colour,
    gloss: float = 0.2,
    metal: float = 0.0,
    detail: tuple[int, int] = (90, 60),
) -> Solid:
    """An ellipsoid."""
    turn = np.linspace(-np.pi / 2, np.pi / 2, 48)
    unit = [(float(np.cos(t)), float(np.sin(t))) for t in turn]
    return moved(scaled(turned(unit, colour, gloss, metal, detail=detail), radii), centre)


def box(low: Colour, high: Colour, colour: Colour, gloss: float = 0.1, step: float = 0.0035) -> Solid:
    """A box with sides along the axes, from corner ``low`` to corner ``high``."""
    faces = []
    for axis in range(3):
        a, b = (axis + 1) % 3, (axis + 2) % 3
        sides = [np.linspace(low[k], high[k], max(3, int((high[k] - low[k]) / step))) for k in (a, b)]
        grid = np.zeros((len(sides[0]), len(sides[1]), 3))
        grid[..., a], grid[..., b] = sides[0][:, None], sides[1][None, :]
        for level, sign in ((low[axis], -1.0), (high[axis], 1.0)):
            grid[..., axis] = level
            face = sheet(grid, colour, gloss)
            faces.append(face if sign > 0 else attrs.evolve(face, normals=-face.normals))
    return join(*faces)


def tube(
    path: Fine,
    radius: float,
    colour: Colour,
    gloss: float = 0.2,
    metal: float = 0.0,
    detail: tuple[int, int] = (120, 32),
) -> Solid:
    """A round bar along a 3-D polyline ``float64[K, 3]``."""
    at = np.linspace(0, len(path) - 1, detail[0])
    centre = np.stack([np.interp(at, np.arange(len(path)), path[:, k]) for k in range(3)], axis=1)
    ahead = np.gradient(centre, axis=0)
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    # Any direction not along the path can start the ring around it.
    start = np.where(np.abs(ahead[:, 2:]) > 0.9, (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    side = np.cross(ahead, start)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(ahead, side)
    angle = np.linspace(0, 2 * np.pi, detail[1])[None, :, None]
    ring = np.cos(angle) * side[:, None] + np.sin(angle) * up[:, None]
    skin = sheet(centre[:, None] + radius * ring, colour, gloss, metal)
    return attrs.evolve(skin, normals=ring.reshape(-1, 3).astype(np.float32))


def moved(solid: Solid, by: Colour) -> Solid:
    """The solid, shifted."""
    return attrs.evolve(solid, points=solid.points + np.asarray(by, np.float32))


def scaled(solid: Solid, by: Colour) -> Solid:
    """The solid, stretched along the axes (normals follow)."""
    factor = np.asarray(by, np.float32)
    normals = solid.normals / factor
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    return attrs.evolve(solid, points=solid.points * factor, normals=normals)


def rotation(axis: int, degrees: float) -> Array:
    """The matrix that turns about x (0), y (1) or z (2), float32[3, 3]."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    a, b = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3, dtype=np.float32)
    matrix[a, a], matrix[a, b], matrix[b, a], matrix[b, b] = c, -s, s, c
    return matrix


def rotated(solid: Solid, axis: int, degrees: float) -> Solid:
    """The solid, turned about one axis through the origin."""
    turn = rotation(axis, degrees).T
    return attrs.evolve(solid, points=solid.points @ turn, normals=solid.normals @ turn)
