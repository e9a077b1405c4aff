"""The ceramics room: two celadons and two white jars of nearly the same shape."""

from __future__ import annotations

import numpy as np

from lens_core.demo.paint import (
    band,
    carved,
    dot,
    inside,
    mottle,
    painted,
    petals,
    ring,
    stroke,
    toned,
    unrolled,
)
from lens_core.demo.shapes import Array, Fine, Solid, lobes, outline, turned

CELADON = (0.33, 0.45, 0.36)
INLAY = (0.80, 0.81, 0.72)
IRON = (0.10, 0.10, 0.08)
WHITE = (0.80, 0.78, 0.72)
COBALT = (0.06, 0.11, 0.36)
JAR_DETAIL = (800, 480)  # the widest things here: fewer points would leave pinholes close up


def maebyeong() -> Solid:
    """A celadon plum bottle: small mouth, full shoulder, cranes inlaid in white rings."""
    profile = outline(
        "0 0, 0.17 0, 0.165 0.05, 0.135 0.2, 0.16 0.42, 0.3 0.62, 0.345 0.8, 0.22 0.955, "
        "0.085 0.965, 0.08 1, 0.125 1.03, 0.1 1.04, 0.07 0.98",
        rounds=4,
    )
    vase = _glazed(turned(profile, CELADON, gloss=0.75), seed=1)
    flat = unrolled(vase.points, 0.30)
    for row, height in enumerate((0.42, 0.60, 0.77)):
        for k in range(8):
            centre = ((k + 0.5 * (row % 2) - 3.5) * 2 * np.pi * 0.30 / 8, height)
            vase = painted(vase, ring(flat, centre, 0.072, 0.006), INLAY)
            vase = painted(vase, _crane(flat, centre), INLAY)
            vase = painted(vase, dot(flat, (centre[0] - 0.042, centre[1] + 0.016), 0.007), IRON)
    vase = painted(vase, petals(vase.points, 14, 0.03, 0.24, 0.006), INLAY)
    vase = painted(vase, petals(vase.points, 10, 0.90, 0.975, 0.004), INLAY)
    return painted(vase, band(vase.points, 0.262, 0.274), INLAY)


def _crane(flat: Array, centre: tuple[float, float]) -> Array:
    """A crane in flight, a few brush strokes wide as a hand."""
    x, y = centre
    neck = [(x - 0.045, y + 0.016), (x - 0.02, y + 0.006), (x + 0.03, y - 0.010)]
    wing = [(x + 0.022, y + 0.045), (x + 0.004, y), (x + 0.02, y - 0.045)]
    return np.maximum(stroke(flat, neck, 0.006), stroke(flat, wing, 0.009))


def melon_bottle() -> Solid:
    """A celadon bottle like a ripe melon with a petal mouth, on a pleated foot."""
    profile = outline(
        "0 0, 0.2 0, 0.18 0.05, 0.12 0.13, 0.14 0.16, 0.3 0.28, 0.31 0.47, 0.17 0.62, 0.075 0.68, "
        "0.07 0.84, 0.1 0.94, 0.2 1, 0.18 1, 0.09 0.93, 0.05 0.85",
        rounds=4,
    )
    eight, pleats = lobes(8, 0.13), lobes(22, 0.09)

    def section(angle: Fine, height: Fine) -> Fine:
        neck = np.clip((height - 0.62) / 0.05, 0, 1) * np.clip((0.92 - height) / 0.05, 0, 1)
        ribbed = np.where(height < 0.145, pleats(angle, height), eight(angle, height))
        return np.asarray(ribbed * (1 - neck) + neck)

    body = turned(profile, (0.30, 0.44, 0.38), gloss=0.8, section=section, detail=(640, 360))
    body = _glazed(body, seed=2)
    angle = np.arctan2(body.points[:, 0], body.points[:, 2])
    groove = inside(np.abs(np.cos(4 * angle)) - 0.16, 0.12) * band(body.points, 0.15, 0.62)
    return toned(body, 1 - 0.35 * groove)


def _glazed(pot: Solid, seed: int) -> Solid:
    """Glaze pooling in soft tones, with a fine net of cracks."""
    cracks = np.minimum(np.abs(mottle(pot.points, 0.10, seed)), np.abs(mottle(pot.points, 0.07, seed + 50)))
    pot = toned(pot, 1 + 0.10 * mottle(pot.points, 0.5, seed + 9))
    return toned(pot, 1 - 0.16 * inside(cracks - 0.02, 0.02))


def _jar_outline(belly: float) -> list[tuple[float, float]]:
    return outline(
        f"0 0, 0.2 0, 0.2 0.03, 0.34 0.13, 0.46 0.34, {belly} 0.5, 0.44 0.66, 0.31 0.84, "
        "0.215 0.87, 0.21 0.935, 0.185 0.935, 0.18 0.87, 0.26 0.8",
        rounds=4,
    )


def moon_jar() -> Solid:
    """A white moon jar: two bowls joined at the belly, never quite round, stained by use."""

    def section(angle: Fine, height: Fine) -> Fine:
        return np.asarray(1 + 0.018 * np.sin(angle + 4 * height) + 0.012 * np.cos(2 * angle + 1))

    jar = turned(_jar_outline(0.475), WHITE, gloss=0.6, section=section, detail=JAR_DETAIL)
    jar = carved(jar, lambda p: np.asarray(np.exp(-(((p[:, 1] - 0.49) / 0.012) ** 2)), np.float32), 0.0015)
    stain = np.clip(mottle(jar.points, 0.45, 3) - 0.25, 0, 1) * np.clip(
        1.2 - np.abs(jar.points[:, 1] - 0.4) * 2.5, 0, 1
    )
    jar = painted(jar, 0.55 * stain, (0.62, 0.50, 0.33))
    return toned(jar, 1 + 0.05 * mottle(jar.points, 0.3, 4))


def plum_jar() -> Solid:
    """The moon jar's twin with a plum branch in cobalt blue and ornamental bands."""
    jar = turned(_jar_outline(0.465), (0.79, 0.80, 0.78), gloss=0.7, detail=JAR_DETAIL)
    flat = unrolled(jar.points, 0.44)
    ink = np.zeros(len(flat), np.float32)
    for start in (-0.92, 0.0, 0.92):
        ink = np.maximum(ink, _plum(flat, start))
    for count, low, high in ((16, 0.04, 0.17), (14, 0.78, 0.855)):
        ink = np.maximum(ink, petals(jar.points, count, low, high, 0.006))
    for low in (0.185, 0.765, 0.90):
        ink = np.maximum(ink, band(jar.points, low, low + 0.012))
    wash = 0.85 + 0.15 * mottle(jar.points, 0.12, 5)
    return painted(jar, ink * wash, COBALT)


# A flowering branch as (across, height); the first stroke is the trunk.
BRANCH = (
    "-0.30 0.23, -0.14 0.36, -0.10 0.44, 0.06 0.52, 0.13 0.66, 0.24 0.71",
    "-0.12 0.42, -0.22 0.52, -0.24 0.66",
    "0.05 0.52, 0.20 0.48, 0.31 0.53",
    "0.08 0.56, 0.01 0.66",
    "-0.16 0.36, -0.02 0.31",
)
FLOWERS = outline("-0.24 0.62, 0.27 0.53, 0.01 0.65, 0.19 0.67, -0.03 0.31, -0.2 0.49, 0.17 0.47")


def _plum(flat: Array, x: float) -> Array:
    """One flowering branch, drawn around ``x``."""
    flat = flat - np.array([x, 0], np.float32)
    ink = np.zeros(len(flat), np.float32)
    for number, line in enumerate(BRANCH):
        ink = np.maximum(ink, stroke(flat, outline(line), 0.008 if number else 0.017))
    for fx, fy in FLOWERS:
        for turn in np.linspace(0, 2 * np.pi, 5, endpoint=False):
            centre = (fx + 0.025 * float(np.cos(turn)), fy + 0.025 * float(np.sin(turn)))
            ink = np.maximum(ink, ring(flat, centre, 0.016, 0.005))
        ink = np.maximum(ink, dot(flat, (fx, fy), 0.008))
    return ink
