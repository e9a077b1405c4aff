"""A visitor's phone camera: where it stands, what it sees, and what it does to the picture."""

from __future__ import annotations

import attrs
import numpy as np
from PIL import Image, ImageFilter

from lens_core.demo.room import Rays, Room, backdrop, cast_shadow, pedestal
from lens_core.demo.shapes import Array, Solid, rotation

BRIGHTEST = 4.0  # light above this is pure white anyway


@attrs.frozen
class Shot:
    """One way of taking a photo. Angles are degrees, blur and motion are pixels."""

    size: tuple[int, int]  # width, height
    turn: float  # how far the exhibit is seen from its side
    around: float  # where the visitor stands in the room
    elevation: float
    distance: float
    roll: float
    aim: tuple[float, float, float]  # the spot at the centre of the picture
    focal: float  # in picture heights
    sun: tuple[float, float]  # the spotlight's azimuth and height
    kelvin: float
    fill: float  # light from everywhere, as a share of the spotlight
    exposure: float
    defocus: float
    depth_blur: float  # extra blur of the wall behind
    motion: tuple[float, float]  # length, direction
    noise: float
    glare: float


def take_aim(rng: np.random.Generator, height: float = 0.9, careful: bool = False) -> Shot:
    """A shot of something ``height`` tall, as a visitor would take it.

    A careful visitor (the demo's own three questions) holds the phone steadier.
    """
    portrait = bool(rng.random() < 0.4)
    calm = 0.5 if careful else 1.0
    focal = float(rng.uniform(1.0, 1.3)) * (0.85 if portrait else 1.0)
    share = float(rng.uniform(0.5, 0.85))  # how much of the picture's height the exhibit takes
    return Shot(
        size=(480, 640) if portrait else (640, 480),
        turn=float(rng.uniform(-42, 42)) * calm,
        around=float(rng.uniform(-28, 28)),
        elevation=float(rng.uniform(2, 30)),
        distance=focal * max(height, 0.7) / share + 0.35,
        roll=float(rng.normal(0, 3.5)) * calm,
        aim=(float(rng.normal(0, 0.1)) * calm, height * float(rng.uniform(0.36, 0.62)), 0.0),
        focal=focal,
        sun=(float(rng.uniform(-65, 65)), float(rng.uniform(30, 70))),
        kelvin=float(rng.uniform(2900, 6600)),
        fill=float(rng.uniform(0.22, 0.6)),
        exposure=float(rng.uniform(0.8, 1.35)),
        defocus=float(rng.choice([0.5, 0.6, 0.8, 1.6]) if careful is False else 0.6),
        depth_blur=float(rng.uniform(0.5, 4.0)),
        motion=(float(rng.choice([0, 0, 0, 4, 7])) * (not careful), float(rng.uniform(0, 180))),
        noise=float(rng.uniform(0.004, 0.022)) * calm,
        glare=float(rng.uniform(0.15, 0.5)) * float(rng.random() < 0.25) * (not careful),
    )


def photograph(solid: Solid | None, room: Room, shot: Shot, rng: np.random.Generator) -> Image.Image:
    """Take the picture: the room, the pedestal with its shadow, the solid, then the lens."""
    turn = rotation(1, shot.turn)
    sun = _direction(*shot.sun)
    rays, basis = _rays(shot, scale=0.5)
    blurred = _coded(backdrop(room, rays)).filter(ImageFilter.GaussianBlur(shot.depth_blur / 2))
    picture = _light(blurred.resize(shot.size, Image.Resampling.BILINEAR))
    if room.pedestal is not None:
        shadow = (
            _no_shadow()
            if solid is None
            else cast_shadow(solid.points, turn.T @ sun, room.pedestal_half, 1 + 4 * shot.fill)
        )
        near, _ = _rays(shot, scale=0.75)
        look, cover = _soft_edge(*pedestal(room, near, turn.T, turn.T @ sun, shadow))
        look = _light(_coded(look).resize(shot.size, Image.Resampling.BILINEAR))
        picture = _lay_over(picture, look, _enlarge(cover[..., 0], shot.size)[..., None])
    if solid is not None:
        # The camera and the light turn around the solid: a few numbers instead of all its points.
        look, cover = _see(solid, turn.T @ sun, turn.T @ rays.eye, basis @ turn, shot)
        picture = _lay_over(picture, look, cover)
    return _develop(picture, shot, rng)


def _direction(azimuth: float, height: float) -> Array:
    a, h = np.radians(azimuth), np.radians(height)
    return np.array([np.sin(a) * np.cos(h), np.sin(h), np.cos(a) * np.cos(h)], np.float32)


def _no_shadow() -> Array:
    return np.zeros((96, 96), np.float32)


def _rays(shot: Shot, scale: float) -> tuple[Rays, Array]:
    """The ray of every pixel, and the camera's right, up and backward axes as float32[3, 3] rows."""
    back = _direction(shot.around, shot.elevation)
    right = np.cross((0.0, 1.0, 0.0), back)
    right /= np.linalg.norm(right)
    basis = rotation(2, shot.roll) @ np.stack([right, np.cross(back, right), back]).astype(np.float32)
    eye = (np.asarray(shot.aim) + back * shot.distance).astype(np.float32)
    width, height = (round(side * scale) for side in shot.size)
    x = (np.arange(width) + 0.5 - width / 2) / (shot.focal * height)
    y = (height / 2 - np.arange(height) - 0.5) / (shot.focal * height)
    lens = np.stack([*np.meshgrid(x, y), np.full((height, width), -1.0)], axis=2).astype(np.float32)
    return Rays(eye=eye, ahead=lens @ basis), basis


def _see(solid: Solid, sun: Array, eye: Array, basis: Array, shot: Shot) -> tuple[Array, Array]:
    """The solid as the camera sees it and where it covers the picture."""
    width, height = shot.size
    front = np.flatnonzero(np.einsum("nk,nk->n", solid.normals, eye - solid.points) > 0)
    seen = (solid.points[front] - eye) @ basis.T
    depth = -seen[:, 2]
    scale = shot.focal * height / np.maximum(depth, 0.05)
    column = (seen[:, 0] * scale + width / 2).astype(np.int32)
    row = (height / 2 - seen[:, 1] * scale).astype(np.int32)
    kept = (column >= 0) & (column < width - 1) & (row >= 0) & (row < height - 1) & (depth > 0.05)
    nearest = _nearest(front[kept], row[kept] * width + column[kept], depth[kept], width, height)
    filled = np.flatnonzero(nearest >= 0)
    which = nearest[filled]
    look = np.zeros((height * width, 3), np.float32)
    look[filled] = _shade(solid, which, sun, eye, shot)
    cover = np.zeros(height * width, np.float32)
    cover[filled] = 1
    return _soft_edge(look.reshape(height, width, 3), cover.reshape(height, width))


def _soft_edge(look: Array, cover: Array) -> tuple[Array, Array]:
    """Blur the outline by less than a pixel; without it a cut-out shows its stairs."""
    light = np.sqrt(np.clip(look / BRIGHTEST, 0, 1)) * cover[..., None]
    layers = np.concatenate([light, cover[..., None]], axis=2)
    image = Image.fromarray((layers * 255 + 0.5).astype(np.uint8))
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(0.7)), np.float32) / 255
    share = np.maximum(soft[..., 3:], 1 / 255)
    return BRIGHTEST * np.minimum(soft[..., :3] / share, 1) ** 2, soft[..., 3:]


def _nearest(index: Array, pixel: Array, depth: Array, width: int, height: int) -> Array:
    """Which point each pixel shows, -1 for none. Points are two pixels wide, so none shines through."""
    span = max(float(np.ptp(depth)), 1e-6) if len(depth) else 1.0
    level = ((depth - (depth.min() if len(depth) else 0)) / span * 65535).astype(np.uint16)
    far_to_near = np.argsort(level, kind="stable")[::-1]
    index, pixel = index[far_to_near], pixel[far_to_near]
    buffer = np.full(height * width, -1, np.int64)
    spread = (pixel[:, None] + np.array([0, 1, width, width + 1])).ravel()
    buffer[spread] = np.repeat(index, 4)  # the last, nearest, one stays
    return buffer


def _shade(solid: Solid, which: Array, sun: Array, eye: Array, shot: Shot) -> Array:
    """Lambert and Blinn-Phong, with a bright ceiling for metal and glaze to mirror."""
    points, normals = solid.points[which], solid.normals[which]
    colour, gloss, metal = solid.colour[which], solid.gloss[which, None], solid.metal[which, None]
    view = eye - points
    view /= np.linalg.norm(view, axis=1, keepdims=True)
    lit = np.clip(normals @ sun, 0, None)[:, None]
    sky = shot.fill * (0.65 + 0.35 * normals[:, 1:2])
    ground = np.clip(0.55 + (points[:, 1:2] - points[:, 1].min()) * 3, 0.55, 1)  # dim at its foot
    half = view + sun
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    sharp = 8 + 120 * gloss**2
    shine = gloss * np.clip(np.einsum("nk,nk->n", normals, half), 0, 1)[:, None] ** sharp * (lit > 0)
    facing = np.clip(np.einsum("nk,nk->n", normals, view), 0, 1)[:, None]
    mirror = 2 * facing * normals - view
    room = np.clip(mirror[:, 1:2] * 0.8 + 0.25 + 0.25 * np.sin(5 * mirror[:, :1]), 0, 1)
    rim = 0.04 + 0.6 * (1 - facing) ** 4
    diffuse = colour * (1 - 0.55 * metal) * (lit * 0.95 + sky) * ground
    glaze = gloss * rim * room * shot.fill * 1.5 * (1 - metal)
    polish = colour * metal * (0.2 + 0.9 * room) * (shot.fill + 0.5 * lit)
    highlight = shine * (1 - metal + metal * colour * 2.2) * 0.9
    return np.asarray(diffuse + glaze + polish + highlight, np.float32)


def _develop(picture: Array, shot: Shot, rng: np.random.Generator) -> Image.Image:
    """Glare, light colour, exposure, blur, noise: from light to an 8-bit picture."""
    if shot.glare:
        picture = picture + shot.glare * _glare(shot.size, rng)
    picture = picture * _light_colour(shot.kelvin) * shot.exposure * _vignette(shot.size)
    picture = 1 - np.exp(-1.6 * _smear(picture, shot.motion))  # film-like: highlights roll off
    image = Image.fromarray((picture ** np.float32(1 / 2.2) * 255 + 0.5).astype(np.uint8))
    image = image.filter(ImageFilter.GaussianBlur(shot.defocus))
    picture = np.asarray(image, np.float32) / 255
    picture = picture + rng.standard_normal(picture.shape, np.float32) * np.float32(shot.noise)
    return Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))


def _glare(size: tuple[int, int], rng: np.random.Generator) -> Array:
    """Lamps mirrored in the display case's glass: a soft streak and two spots."""
    width, height = size
    x, y = np.meshgrid(np.linspace(0, 1, width // 4), np.linspace(0, 1, height // 4))
    slant = rng.uniform(-0.6, 0.6)
    glow = np.exp(-(((x - rng.uniform(0.1, 0.9) + slant * (y - 0.5)) / rng.uniform(0.03, 0.1)) ** 2)) * 0.6
    for _ in range(2):
        cx, cy, r = rng.uniform(0.05, 0.95), rng.uniform(0.05, 0.6), rng.uniform(0.02, 0.06)
        glow = glow + 1.5 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / r**2)
    return _enlarge(glow.astype(np.float32), size)[..., None]


def _light_colour(kelvin: float) -> Array:
    """The tint that the phone's white balance leaves of a lamp's colour (about half of it)."""
    warm = (5200 - kelvin) / 5200
    return np.array([1 + 0.28 * warm, 1 + 0.02 * warm, 1 - 0.45 * warm], np.float32)


def _vignette(size: tuple[int, int]) -> Array:
    x, y = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]))
    return np.asarray(1 - 0.18 * (x**2 + y**2), np.float32)[..., None]


def _smear(picture: Array, motion: tuple[float, float]) -> Array:
    """Camera shake: the mean of the picture at a few places along a short line."""
    length, direction = motion
    if not length:
        return picture
    steps = np.linspace(-length / 2, length / 2, 5)
    dx, dy = np.cos(np.radians(direction)), np.sin(np.radians(direction))
    moved = [np.roll(picture, (round(s * dy), round(s * dx)), axis=(0, 1)) for s in steps]
    return np.asarray(np.mean(moved, axis=0), np.float32)


def _lay_over(below: Array, above: Array, cover: Array) -> Array:
    return below * (1 - cover) + above * cover


def _coded(picture: Array) -> Image.Image:
    """Light as an 8-bit image; the square root keeps the dark tones apart, as cameras do."""
    return Image.fromarray((np.sqrt(np.clip(picture / BRIGHTEST, 0, 1)) * 255 + 0.5).astype(np.uint8))


def _light(image: Image.Image) -> Array:
    """The light behind a coded image."""
    return np.float32(BRIGHTEST) * (np.asarray(image, np.float32) / 255) ** 2


def _enlarge(picture: Array, size: tuple[int, int]) -> Array:
    """One float channel at another size."""
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
