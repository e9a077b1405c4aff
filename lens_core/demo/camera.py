"""A visitor's phone camera: the room, the pedestal and the exhibit as one picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from lens_core.demo.lens import develop, enlarge
from lens_core.demo.room import Rays, Room, backdrop, cast_shadow, pedestal
from lens_core.demo.shapes import Array, Solid, rotation
from lens_core.demo.shot import Shot

Index = npt.NDArray[np.integer[Any]]

BRIGHTEST = 4.0  # light above this is pure white anyway


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
        picture = _lay_over(picture, look, enlarge(cover[..., 0], shot.size)[..., None])
    if solid is not None:
        # The camera and the light turn around the solid: a few numbers instead of all its points.
        look, cover = _see(solid, turn.T @ sun, turn.T @ rays.eye, basis @ turn, shot)
        picture = _lay_over(picture, look, cover)
    return develop(picture, shot, rng)


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
    soft = np.asarray(image.filter(ImageFilter.BoxBlur(0.7)), np.float32) / 255
    share = np.maximum(soft[..., 3:], 1 / 255)
    return BRIGHTEST * np.minimum(soft[..., :3] / share, 1) ** 2, soft[..., 3:]


def _nearest(index: Index, pixel: Index, depth: Array, width: int, height: int) -> Index:
    """Which point each pixel shows, -1 for none. Points are two pixels wide, so none shines through."""
    span = max(float(np.ptp(depth)), 1e-6) if len(depth) else 1.0
    level = ((depth - (depth.min() if len(depth) else 0)) / span * 65535).astype(np.uint16)
    far_to_near = np.argsort(level, kind="stable")[::-1]
    index, pixel = index[far_to_near], pixel[far_to_near]
    buffer = np.full(height * width, -1, np.int64)
    spread = (pixel[:, None] + np.array([0, 1, width, width + 1])).ravel()
    buffer[spread] = np.repeat(index, 4)  # the last, nearest, one stays
    return buffer


def _shade(solid: Solid, which: Index, sun: Array, eye: Array, shot: Shot) -> Array:
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


def _lay_over(below: Array, above: Array, cover: Array) -> Array:
    return below * (1 - cover) + above * cover


def _coded(picture: Array) -> Image.Image:
    """Light as an 8-bit image; the square root keeps the dark tones apart, as cameras do."""
    return Image.fromarray((np.sqrt(np.clip(picture / BRIGHTEST, 0, 1)) * 255 + 0.5).astype(np.uint8))


def _light(image: Image.Image) -> Array:
    """The light behind a coded image."""
    return np.float32(BRIGHTEST) * (np.asarray(image, np.float32) / 255) ** 2
