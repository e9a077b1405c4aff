"""How a visitor takes a photo: where they stand, what light falls, how steady the hand is."""

from __future__ import annotations

import attrs
import numpy as np


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
