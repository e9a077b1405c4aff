"""Photos that are one shot: the same file, or recompressed, resized, cropped, tilted, turned, mirrored."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from attrs import frozen

from lens_core.audit.alignment import same_details
from lens_core.contracts import Floats, Pixels

SIDE = 128
"""Of the grey squares that are compared."""
SAME_SHOT = 0.9
"""From this agreement of details on two photos are one shot (benchmarks/audit)."""
_FREQUENCIES = 9
_ALIKE = 0.85
"""Cosine of the low frequencies below which nobody looks closer. A twentieth cut off leaves 0.88 or more."""
_CANDIDATES = 3
"""Of each photo, so that a thousand photos of one empty showcase cost no million comparisons."""
_BLOCK = 256

Turn = tuple[bool, bool, bool]
"""Transposed, then mirrored left to right, then upside down."""
_TURNS: tuple[Turn, ...] = tuple(itertools.product((False, True), (False, True), (False, True)))


@frozen
class Pair:
    """Two photos, by their row, that show the same."""

    first: int
    second: int
    kind: Literal["exact", "copy", "near"]
    """The same file; the same shot; nearly the same view by perceptual hash (lens_core.photos.duplicates)."""
    mirrored: bool = False
    """One is the mirror image of the other."""


def find(hashes: Sequence[str], greys: Sequence[Pixels]) -> list[Pair]:
    """The pairs among N photos, by the hashes of their files and what they show: uint8[SIDE, SIDE] each.

    Of files that are the same, each is paired with the first, which alone is compared with the others.
    """
    first_of: dict[str, int] = {}
    same = [
        Pair(first, row, "exact")
        for row, photo_hash in enumerate(hashes)
        if (first := first_of.setdefault(photo_hash, row)) != row
    ]
    rows = list(first_of.values())
    pictures = [greys[row] for row in rows]
    copies = [
        Pair(min(rows[one], rows[other]), max(rows[one], rows[other]), "copy", sum(turn) % 2 == 1)
        for one, other, turn in _candidates(pictures)
        if same_details(_floats(pictures[other]), _floats(_turn(pictures[one], turn))) >= SAME_SHOT
    ]
    return same + copies


def _candidates(pictures: Sequence[Pixels]) -> Iterator[tuple[int, int, Turn]]:
    """(row, other row, how the first must be turned), each two once."""
    if len(pictures) < 2:
        return
    spectra = np.array([_spectrum(_floats(picture)) for picture in pictures])
    upright = _unit(spectra)
    known: set[frozenset[int]] = set()
    for start in range(0, len(spectra), _BLOCK):
        block = spectra[start : start + _BLOCK]
        turned = np.array([_unit(_turned(block, turn)) for turn in _TURNS])
        alike = turned @ upright.T  # float32[8, block, N]
        alike[:, np.arange(len(block)), np.arange(start, start + len(block))] = -1  # itself
        best = alike.max(axis=0)
        most = min(_CANDIDATES, len(pictures) - 1)
        nearest = np.argpartition(-best, most - 1, axis=1)[:, :most]
        for row, others in enumerate(nearest):
            for other in others[best[row, others] >= _ALIKE]:
                two = frozenset((start + row, int(other)))
                if two not in known:
                    known.add(two)
                    yield start + row, int(other), _TURNS[int(alike[:, row, other].argmax())]


def _turn(picture: Pixels, turn: Turn) -> Pixels:
    transposed, mirrored, upside_down = turn
    picture = picture.T if transposed else picture
    return picture[:: -1 if upside_down else 1, :: -1 if mirrored else 1]


def _floats(picture: Pixels) -> Floats:
    """Made when needed: those of all photos would need four times the memory."""
    return np.ascontiguousarray(picture, np.float32)


def _spectrum(picture: Floats) -> Floats:
    """float32[9, 9]: the low frequencies (DCT-II) without the mean."""
    side = len(picture)
    angles = np.outer(np.arange(_FREQUENCIES), np.arange(side) + 0.5) * np.pi / side
    waves = np.cos(angles).astype(np.float32)
    spectrum = np.asarray(waves @ picture @ waves.T, np.float32)
    spectrum[0, 0] = 0
    return spectrum


def _turned(spectra: Floats, turn: Turn) -> Floats:
    """Spectra float32[N, 9, 9] of the photos after turning: mirroring changes the sign of odd waves."""
    transposed, mirrored, upside_down = turn
    signs = np.float32(-1) ** np.arange(_FREQUENCIES, dtype=np.float32)
    spectra = spectra.swapaxes(1, 2) if transposed else spectra
    spectra = spectra * signs if mirrored else spectra
    return spectra * signs[:, None] if upside_down else spectra


def _unit(spectra: Floats) -> Floats:
    flat = spectra.reshape(len(spectra), -1)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.asarray(flat / np.maximum(length, 1e-6), np.float32)
