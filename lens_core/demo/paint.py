"""Painting, carving and weathering a solid: every pattern is a function of the 3-D points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import attrs
import numpy as np

from lens_core.demo.shapes import Array, Colour, Solid, smooth

Field = Callable[[Array], Array]  # float32[N, 3] points -> float32[N]


def painted(solid: Solid, amount: Array, colour: Colour) -> Solid:
    """Lay ``colour`` over the solid where ``amount`` (0..1 per point) says so."""
    weight = np.clip(amount, 0, 1)[:, None]
    mixed = solid.colour * (1 - weight) + np.asarray(colour, np.float32) * weight
    return attrs.evolve(solid, colour=mixed.astype(np.float32))


def toned(solid: Solid, factor: Array) -> Solid:
    """Darken (below 1) or lighten (above 1) the solid point by point."""
    return attrs.evolve(solid, colour=np.clip(solid.colour * factor[:, None], 0, 1))


def carved(solid: Solid, relief: Field, depth: float) -> Solid:
    """Tilt the normals as if ``relief`` were carved ``depth`` units into the surface."""
    step = np.float32(0.004)
    here = relief(solid.points)
    slope = np.stack(
        [(relief(solid.points + step * axis) - here) / step for axis in np.eye(3, dtype=np.float32)],
        axis=1,
    )
    along = np.sum(slope * solid.normals, axis=1, keepdims=True)
    normals = solid.normals - depth * (slope - along * solid.normals)
    normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    return attrs.evolve(solid, normals=normals.astype(np.float32))


def mottle(points: Array, scale: float, seed: int, waves: int = 20) -> Array:
    """A smooth random field about -1..1 with blotches ``scale`` units wide, and no seams."""
    rng = np.random.default_rng(seed)
    aim = rng.normal(size=(3, waves)).astype(np.float32)
    aim *= (2 * np.pi / scale) * rng.uniform(0.4, 1.3, waves) / np.linalg.norm(aim, axis=0)
    phase = rng.uniform(0, 2 * np.pi, waves)
    field = np.sin(points @ aim + phase.astype(np.float32)).sum(axis=1)
    return np.asarray(field / np.sqrt(waves / 2) / 1.6, np.float32)


def grain(count: int, seed: int) -> Array:
    """Independent speckle for each point, about -1..1."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.normal(0, 0.4, count), np.float32)


def inside(distance: Array, edge: float = 0.004) -> Array:
    """1 where ``distance`` is negative, 0 where positive, with a soft edge."""
    return np.asarray(np.clip(0.5 - distance / (2 * edge), 0, 1), np.float32)


def unrolled(points: Array, radius: float) -> Array:
    """Points on a vessel as a flat drawing: float32[N, 2] of arc length and height."""
    angle = np.arctan2(points[:, 0], points[:, 2])
    return np.stack([angle * radius, points[:, 1]], axis=1)


def stroke(flat: Array, line: Sequence[tuple[float, float]], width: float) -> Array:
    """A brush stroke along a smoothed polyline on a flat drawing, 0..1 per point."""
    corners = np.asarray(smooth(line, 3), np.float32)
    nearest = np.full(len(flat), 9.0, np.float32)
    low, high = corners.min(axis=0) - 2 * width, corners.max(axis=0) + 2 * width
    close = np.flatnonzero(np.all((flat > low) & (flat < high), axis=1))
    spot = flat[close]
    for start, end in pairwise(corners):
        way = end - start
        t = np.clip((spot - start) @ way / max(float(way @ way), 1e-9), 0, 1)
        gap = np.linalg.norm(spot - start - t[:, None] * way, axis=1)
        nearest[close] = np.minimum(nearest[close], gap)
    return inside(nearest - width)


def dot(flat: Array, centre: tuple[float, float], radius: float) -> Array:
    """A filled disc on a flat drawing."""
    return inside(np.hypot(flat[:, 0] - centre[0], flat[:, 1] - centre[1]) - radius)


def ring(flat: Array, centre: tuple[float, float], radius: float, width: float) -> Array:
    """A circle line on a flat drawing."""
    gap = np.hypot(flat[:, 0] - centre[0], flat[:, 1] - centre[1]) - radius
    return inside(np.abs(gap) - width)


def band(points: Array, low: float, high: float) -> Array:
    """1 between two heights."""
    return inside(np.maximum(low - points[:, 1], points[:, 1] - high))


def petals(points: Array, count: int, low: float, high: float, line: float = 0.005) -> Array:
    """The outline of a row of pointed lotus petals standing between two heights."""
    angle = np.arctan2(points[:, 0], points[:, 2])
    across = np.abs(np.mod(angle * count / (2 * np.pi), 1.0) - 0.5) * 2  # 0 mid-petal, 1 at its side
    up = (points[:, 1] - low) / (high - low)
    top = np.sqrt(np.clip(1 - across**2, 0, 1))
    edge = np.abs(up - top) * (high - low)
    return inside(edge - line) * band(points, low, high)
