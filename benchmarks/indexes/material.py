"""Vectors that lie as photos of exhibits do, and the right answers.

Each exhibit is a random direction, each of its 20 photos that direction plus noise, each question one of the
photos plus noise of its own. Three figures of the gallery that ``ai-lens train`` makes of the museum photos
(42 exhibits, 553 photos, 512 numbers) are imitated: two photos of one exhibit are at a distance of about
0.65, those of different exhibits at about 1.0, and the variance is spread as unevenly (effective dimension
about 90). A question is at about 0.3 from the photo it was made of.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

Floats = NDArray[np.float32]

DIM = 512
PHOTOS = 20
"""Of each exhibit."""
QUESTIONS = 1000
NEIGHBOURS = 10
BETWEEN_PHOTOS = 1.35
"""Length of the noise, where the exhibit's direction has length 1."""
OF_A_QUESTION = 1.0
SEED = 0
BLOCK = 50_000
SPREAD = np.arange(1, DIM + 1) ** -0.38
"""Standard deviations along the principal axes, up to a factor."""


@frozen
class Material:
    """Files of one size, made when they are first asked for."""

    folder: Path
    size: int

    @property
    def path(self) -> Path:
        """Of the vectors."""
        return self.folder / f"vectors-{self.size}.npy"

    def vectors(self) -> Floats:
        """float32[size, DIM], mapped."""
        if not self.path.exists():
            _write_vectors(self.path, self.size)
        vectors: Floats = np.load(self.path, mmap_mode="r")
        return vectors

    def questions(self) -> Floats:
        """float32[QUESTIONS, DIM]."""
        path = self.folder / f"questions-{self.size}.npy"
        if not path.exists():
            np.save(path, _questions(self.vectors()))
        questions: Floats = np.load(path)
        return questions

    def nearest(self) -> Floats:
        """The distances of the right answers: float32[QUESTIONS, NEIGHBOURS], nearest first."""
        path = self.folder / f"nearest-{self.size}.npy"
        if not path.exists():
            np.save(path, _nearest(self.vectors(), self.questions()))
        nearest: Floats = np.load(path)
        return nearest


def _write_vectors(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    vectors = np.lib.format.open_memmap(part, mode="w+", dtype=np.float32, shape=(size, DIM))
    random = np.random.default_rng(SEED)
    exhibits = _noise(random, max(1, size // PHOTOS))
    for rows in _blocks(size):
        # Photos of an exhibit are not neighbours in the file: an index must not live off the order.
        directions = exhibits[np.arange(size)[rows] % len(exhibits)]
        vectors[rows] = _unit(directions + _noise(random, len(directions)) * np.float32(BETWEEN_PHOTOS))
    vectors.flush()
    part.replace(path)


def _questions(vectors: Floats) -> Floats:
    random = np.random.default_rng([SEED, len(vectors)])
    asked = random.choice(len(vectors), QUESTIONS, replace=len(vectors) < QUESTIONS)
    return _unit(vectors[asked] + _noise(random, QUESTIONS) * np.float32(OF_A_QUESTION))


def _nearest(vectors: Floats, questions: Floats) -> Floats:
    """By comparing everything with everything, a block of vectors at a time."""
    best = np.full((len(questions), NEIGHBOURS), 2, np.float32)
    for rows in _blocks(len(vectors)):
        among = np.concatenate([best, 1 - questions @ vectors[rows].T], axis=1)
        best = np.partition(among, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
    return np.sort(best, axis=1)


def _blocks(size: int) -> Iterator[slice]:
    for start in range(0, size, BLOCK):
        yield slice(start, min(start + BLOCK, size))


def _noise(random: np.random.Generator, count: int) -> Floats:
    """Vectors of about unit length that vary as SPREAD says, along axes of no particular direction."""
    noise: Floats = random.standard_normal((count, DIM), dtype=np.float32) @ _axes()
    return noise


@functools.cache
def _axes() -> Floats:
    axes, _ = np.linalg.qr(np.random.default_rng(SEED).standard_normal((DIM, DIM)))
    lengths = SPREAD / np.linalg.norm(SPREAD)
    return np.asarray(lengths[:, None] * axes.T, np.float32)


def _unit(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
