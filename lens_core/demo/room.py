"""The gallery around an exhibit: wall, floor, pedestal and the exhibit's shadow.

One ray per pixel meets three simple things (a wall plane, a floor plane, the pedestal's box), so a
room costs a few milliseconds and every photo can have its own.
"""

from __future__ import annotations

import attrs
import numpy as np
from PIL import Image, ImageFilter

from lens_core.demo.shapes import Array, Colour

FLOOR = -1.15  # height of the floor; the pedestal's top is 0


@attrs.frozen(eq=False)
class Rays:
    """What every pixel looks along, from one eye."""

    eye: Array  # float32[3]
    ahead: Array  # float32[H, W, 3]


@attrs.frozen(eq=False)
class Room:
    """One look of the gallery; colours are linear reflectance."""

    wall: Colour
    wall_style: str  # plain, slats, dado, stone, curtain
    wall_distance: float
    floor: Colour
    floor_style: str  # plank, tile, carpet
    pool: tuple[float, float, float]  # spotlight on the wall: across, height, radius
    blobs: tuple[tuple[float, float, float, float, Colour], ...]  # neighbours: x, y, half sizes
    panel: tuple[float, float, float, float] | None  # a text panel on the wall
    pedestal: Colour | None
    pedestal_half: float
    caption: bool
    seed: int


def furnish(rng: np.random.Generator, wall: Colour, pedestal: Colour | None) -> Room:
    """A room around a house style: its wall and pedestal colour, everything else by chance."""
    shade = float(rng.uniform(0.55, 1.25))
    tint = rng.uniform(0.88, 1.12, 3)
    wall_colour = tuple(float(np.clip(c * shade * t, 0.01, 0.9)) for c, t in zip(wall, tint, strict=True))
    wood = float(rng.uniform(0.5, 1.2))
    floors: list[Colour] = [(0.30 * wood, 0.19 * wood, 0.11 * wood), (0.25, 0.25, 0.26), (0.10, 0.10, 0.12)]
    kind = int(rng.integers(3))
    return Room(
        wall=(wall_colour[0], wall_colour[1], wall_colour[2]),
        wall_style=str(rng.choice(["plain", "plain", "slats", "dado", "stone", "curtain"])),
        wall_distance=float(rng.uniform(1.0, 2.6)),
        floor=floors[kind],
        floor_style=("plank", "tile", "carpet")[kind],
        pool=(float(rng.normal(0, 0.8)), float(rng.uniform(0.1, 1.2)), float(rng.uniform(0.7, 1.8))),
        blobs=_neighbours(rng),
        panel=_panel(rng) if rng.random() < 0.3 else None,
        pedestal=pedestal,
        pedestal_half=float(rng.uniform(0.46, 0.6)),
        caption=bool(rng.random() < 0.7),
        seed=int(rng.integers(1 << 30)),
    )


def _neighbours(rng: np.random.Generator) -> tuple[tuple[float, float, float, float, Colour], ...]:
    found = []
    for _ in range(int(rng.choice([0, 0, 1, 2]))):
        side = float(rng.choice([-1, 1]) * rng.uniform(0.9, 2.2))
        tone = rng.uniform(0.1, 0.6) * rng.uniform(0.7, 1.2, 3)
        colour = (float(tone[0]), float(tone[1]), float(tone[2]))
        size = (float(rng.uniform(0.12, 0.3)), float(rng.uniform(0.2, 0.45)))
        found.append((side, 0.0, size[0], size[1], colour))
    return tuple(found)


def _panel(rng: np.random.Generator) -> tuple[float, float, float, float]:
    side = float(rng.choice([-1, 1]) * rng.uniform(0.8, 1.6))
    return side, float(rng.uniform(0.3, 0.8)), float(rng.uniform(0.2, 0.4)), float(rng.uniform(0.25, 0.45))


def backdrop(room: Room, rays: Rays) -> Array:
    """The wall and the floor as every ray meets them, float32[H, W, 3]."""
    eye, ahead = rays.eye, rays.ahead
    to_wall = (-room.wall_distance - eye[2]) / np.minimum(ahead[..., 2], -1e-3)
    to_floor = (FLOOR - eye[1]) / np.minimum(ahead[..., 1], -1e-3)
    on_wall = eye + ahead * to_wall[..., None]
    on_floor = eye + ahead * to_floor[..., None]
    floor_first = ((to_floor < to_wall) & (ahead[..., 1] < -1e-3))[..., None]
    return np.where(floor_first, _floor(room, on_floor), _wall(room, on_wall)).astype(np.float32)


def _wall(room: Room, at: Array) -> Array:
    x, y = at[..., 0], at[..., 1]
    tone = _wall_pattern(room, x, y)
    reach = np.hypot(x - room.pool[0], (y - room.pool[1]) * 0.8) / room.pool[2]
    light = 0.35 + 0.75 * np.exp(-(reach**2))
    light = light * np.clip(1 + 0.35 * (y - FLOOR - 0.4), 0.55, 1.0)  # dim towards the floor
    lit: Array = np.asarray(room.wall, np.float32) * (tone * light)[..., None]
    if room.panel is not None:
        lit = _hang_panel(lit, room.panel, x, y)
    for blob in room.blobs:
        lit = _stand_neighbour(lit, blob, x, y)
    return lit


def _wall_pattern(room: Room, x: Array, y: Array) -> Array:
    if room.wall_style == "slats":
        return np.asarray(0.75 + 0.25 * (np.mod(x * 9, 1) > 0.25), np.float32)
    if room.wall_style == "dado":
        rail = np.abs(y + 0.1) < 0.03
        return np.asarray(np.where(rail, 1.4, np.where(y < -0.1, 0.6, 1.0)), np.float32)
    if room.wall_style == "stone":
        row = np.floor(y / 0.32)
        joint = (np.mod(y, 0.32) < 0.012) | (np.mod(x + 0.3 * np.mod(row, 2), 0.6) < 0.012)
        block = np.sin(row * 12.9 + np.floor((x + 0.3 * np.mod(row, 2)) / 0.6) * 78.2)
        return np.asarray(np.where(joint, 0.6, 1 + 0.12 * block), np.float32)
    if room.wall_style == "curtain":
        return np.asarray(0.8 + 0.2 * np.sin(x * 14 + 1.5 * np.sin(x * 3 + y * 0.4)), np.float32)
    return np.asarray(1 + 0.04 * np.sin(3 * x + 2 * y), np.float32)


def _hang_panel(lit: Array, panel: tuple[float, float, float, float], x: Array, y: Array) -> Array:
    u, v = (x - panel[0]) / panel[2], (y - panel[1]) / panel[3]
    board = np.maximum(np.abs(u), np.abs(v)) < 1
    ragged = 0.75 * (0.6 + 0.4 * np.sin(np.floor(v * 9) * 7.3))  # lines of text end unevenly
    text = board & (np.mod(v * 9, 1) < 0.45) & (u > -0.85) & (u < ragged) & (np.abs(v) < 0.85)
    lit = np.where(board[..., None], np.float32(0.62), lit)
    return np.where(text[..., None], np.float32(0.2), lit)


def _stand_neighbour(
    lit: Array, blob: tuple[float, float, float, float, Colour], x: Array, y: Array
) -> Array:
    cx, _, half, tall, colour = blob
    stand = (np.abs(x - cx) < half * 1.5) & (y < 0)
    body = ((x - cx) / half) ** 2 + ((y - tall) / tall) ** 2 < 1
    bright = 1 - 0.5 * (x - cx) / half
    lit = np.where(stand[..., None], np.float32(0.28), lit)
    return np.where(body[..., None], np.asarray(colour, np.float32) * bright[..., None], lit)


def _floor(room: Room, at: Array) -> Array:
    x, z = at[..., 0], at[..., 2]
    if room.floor_style == "plank":
        row = np.floor(x / 0.16)
        tone = 1 + 0.15 * np.sin(row * 12.9) - 0.4 * (np.mod(x, 0.16) < 0.008)
    elif room.floor_style == "tile":
        tone = 1 - 0.35 * ((np.mod(x, 0.5) < 0.015) | (np.mod(z, 0.5) < 0.015))
    else:
        tone = 1 + 0.2 * np.sin(x * 90) * np.sin(z * 90)
    light = 0.35 + 0.4 * np.exp(-(x**2 + z**2) / 6)
    return np.asarray(np.asarray(room.floor, np.float32) * (tone * light)[..., None], np.float32)


def pedestal(room: Room, rays: Rays, turn: Array, sun: Array, shadow: Array) -> tuple[Array, Array]:
    """The pedestal's look and where it covers the backdrop: float32[H, W, 3] and float32[H, W].

    ``turn`` takes room directions into the pedestal's own; ``sun`` points to the light there.
    """
    eye, ahead = turn @ rays.eye, rays.ahead @ turn.T
    half = room.pedestal_half
    top = np.array([half, 0.0, half], np.float32)
    low = np.array([-half, FLOOR, -half], np.float32)
    safe = np.where(np.abs(ahead) < 1e-6, np.float32(1e-6), ahead)
    one, two = (low - eye) / safe, (top - eye) / safe
    enter = np.minimum(one, two)
    near, far = enter.max(axis=2), np.maximum(one, two).min(axis=2)
    cover = ((near < far) & (near > 0)).astype(np.float32)
    at = eye + ahead * near[..., None]
    axis = enter.argmax(axis=2)
    facing = np.where(
        axis == 1, sun[1], np.where(axis == 2, np.sign(at[..., 2]) * sun[2], np.sign(at[..., 0]) * sun[0])
    )
    light = 0.3 + 0.75 * np.clip(facing, 0, 1)
    light = np.where(
        axis == 1, light * (1 - 0.75 * _look_up(shadow, at, half)), light * (0.9 + 0.35 * at[..., 1])
    )
    look = np.asarray(room.pedestal, np.float32) * light[..., None]
    if room.caption:
        look = _caption(look, at, axis, half)
    return look.astype(np.float32), cover


def _caption(look: Array, at: Array, axis: Array, half: float) -> Array:
    """A small label on the pedestal's front."""
    u, v = at[..., 0] / 0.16, (at[..., 1] + 0.16) / 0.07
    card = (axis == 2) & (at[..., 2] > 0) & (np.maximum(np.abs(u), np.abs(v)) < 1)
    text = card & (np.mod(v * 2.5, 1) < 0.5) & (np.abs(u) < 0.8) & (np.abs(v) < 0.8)
    look = np.where(card[..., None], np.float32(0.6), look)
    return np.where(text[..., None], np.float32(0.22), look)


def cast_shadow(points: Array, sun: Array, half: float, softness: float) -> Array:
    """How dark the exhibit makes each spot of the pedestal's top, float32[96, 96] of 0..1."""
    spot = points[::7]
    spot = spot - sun * (spot[:, 1:2] / max(float(sun[1]), 0.2))
    size = 96
    cell = ((spot[:, [2, 0]] / half + 1) * (size / 2)).astype(int)
    cell = cell[np.all((cell >= 0) & (cell < size), axis=1)]
    mask = np.zeros((size, size), np.uint8)
    mask[cell[:, 0], cell[:, 1]] = 255
    soft = Image.fromarray(mask).filter(ImageFilter.GaussianBlur(softness))
    return np.asarray(soft, np.float32) / 255


def _look_up(shadow: Array, at: Array, half: float) -> Array:
    size = len(shadow)
    row = np.clip((at[..., 2] / half + 1) * (size / 2), 0, size - 1).astype(int)
    column = np.clip((at[..., 0] / half + 1) * (size / 2), 0, size - 1).astype(int)
    return np.asarray(shadow[row, column])
