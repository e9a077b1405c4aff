"""Lamps mirrored in a display case's glass or in a glaze: burnt-out spots that glow.

A white label, a letter or paper seen through a handle ends sharply; a mirrored lamp fades into what is
around it. Spots on pale things are left alone: there, shading fades just so. In a blurred photo everything
fades, and where white paper or a white sky surrounds the exhibit, it also shows in between; neither is asked.
"""

import numpy as np

from ai_lens_photo.options import PhotoOptions
from ai_lens_photo.regions import Mask, grown, regions
from ai_lens_photo.severity import severity
from ai_lens_photo.view import View
from lens_core.contracts import Finding, Floats, Pixels

HINTS = {"ko": "반사/글레어 줄이기", "en": "Avoid reflections and glare"}
WORST_SHARE = 0.02
"""Share of the photo covered by spots at which it is as bad as it gets."""
_WHITE = 248
"""Grey level (of 255) that counts as burnt out."""
_SMALLEST, _LARGEST = 0.0004, 0.02
"""Share of the photo: smaller spots sparkle, larger ones are white things or windows."""
_PALE = 190
"""Grey level around a spot from where on it is no lamp but the lit side of something white."""
_PAPER, _PAPER_SHARE = 220, 0.1
"""Grey level of white paper, and the share of the photo's edge that it covers."""
_COMPACT = 0.35
"""Share of the box around a spot that it fills, at least."""
_LONGEST = 5
"""Times as long as wide; longer ones are edges and lettering."""
_GLOW = 0.3
"""How bright the pixels beside a spot are, from what is around it (0) to white (1), at least."""
_MOST_SPOTS = 20
"""The largest; a photo with more of them glitters."""


def glare(view: View, options: PhotoOptions) -> Finding | None:
    """A finding when glowing spots cover more than ``options.glare_share`` of the photo."""
    light = _halved(view.light)
    if view.radius > options.blur_radius or _is_on_paper(light):
        return None
    share = _share(light)
    if share <= options.glare_share:
        return None
    return Finding("glare", severity(share, options.glare_share, WORST_SHARE), HINTS, round(share, 4))


def _halved(light: Pixels) -> Floats:
    """Each pixel the mean of 2 x 2."""
    height, width = light.shape[0] // 2 * 2, light.shape[1] // 2 * 2
    rows = light[:height:2, :width].astype(np.uint16) + light[1:height:2, :width]
    return np.asarray((rows[:, ::2] + rows[:, 1::2]) / 4, np.float32)


def _is_on_paper(light: Floats) -> bool:
    """Is much of the photo's edge white?"""
    edge = np.concatenate(
        [light[:2].ravel(), light[-2:].ravel(), light[:, :2].ravel(), light[:, -2:].ravel()]
    )
    return edge.size == 0 or float((edge >= _PAPER).mean()) > _PAPER_SHARE


def _share(light: Floats) -> float:
    labels = regions(light >= _WHITE)
    sizes = np.bincount(labels.ravel())[1:] / max(light.size, 1)
    first, behind = np.searchsorted(-sizes, [-_LARGEST, -_SMALLEST])
    spots = range(first, min(behind, first + _MOST_SPOTS))
    if not spots:
        return 0.0
    numbers = np.where((labels > first) & (labels <= spots.stop), labels - first, 0).astype(np.uint8)
    beside = _beside(numbers)
    return float(
        sum(sizes[spot] for n, spot in enumerate(spots, 1) if _glows(light, numbers == n, beside == n))
    )


def _beside(spots: Pixels) -> Pixels:
    """uint8[h, w]: the pixels 2 away from each of the spots, numbered like it."""
    touching = grown(spots, 1)
    return np.where(touching == 0, grown(touching, 1), 0)


def _glows(light: Floats, spot: Mask, beside: Mask) -> bool:
    """Is it a compact spot, clear of the photo's edge, that fades into something darker?"""
    rows, columns = np.flatnonzero(spot.any(axis=1)), np.flatnonzero(spot.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    if min(top, left) == 0 or bottom == light.shape[0] or right == light.shape[1] or not beside.any():
        return False
    short, long = sorted((bottom - top, right - left))
    if spot.sum() < _COMPACT * long * short or long > _LONGEST * short:
        return False
    away = max(4, long)
    frame = np.pad(light, away, constant_values=np.nan)[top : bottom + 2 * away, left : right + 2 * away]
    frame[3:-3, 3:-3] = np.nan
    around = float(np.nanmedian(frame)) if np.isfinite(frame).any() else 255.0
    return around < _PALE and float(np.percentile(light[beside], 20)) - around > _GLOW * (255 - around)
