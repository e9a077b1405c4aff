"""Photos that are nearly the same picture, found by perceptual hash (pHash)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lens_core.contracts import Photo, Pixels
from lens_core.errors import NotInstalledError

NEAR = 6
"""Two photos whose 64-bit hashes differ in at most this many bits are near-duplicates."""
_BLOCK = 1024
_ENOUGH = 128
"""Pixels of the shorter side that the hash is taken from."""


def phash(photo: Photo) -> Pixels:
    """The perceptual hash of a photo: uint8[64] of 0 and 1."""
    return phash_of(Image.fromarray(photo.pixels).convert("L"))


def phash_of(grey: Image.Image) -> Pixels:
    """The same, where the photo is at hand as a grey image."""
    try:
        import imagehash
    except ModuleNotFoundError as error:
        raise NotInstalledError(
            "Finding near-duplicate photos needs 'imagehash'.", 'Try: pip install "ai-lens-helper[standard]"'
        ) from error
    small = grey.reduce(max(1, min(grey.size) // _ENOUGH))  # the hash would shrink it slowly, to 32 x 32
    return np.asarray(imagehash.phash(small).hash, np.uint8).reshape(-1)


def pairs(hashes: Sequence[Pixels], near: int = NEAR) -> list[tuple[int, int]]:
    """Row pairs (i < j) of near-duplicates."""
    if not len(hashes):
        return []
    signs = np.asarray(hashes, np.float32) * 2 - 1
    # The product of two rows of signs is (bits that agree) - (bits that differ).
    least = signs.shape[1] - 2 * near
    found: list[tuple[int, int]] = []
    for start in range(0, len(signs), _BLOCK):
        first, second = np.nonzero(signs[start : start + _BLOCK] @ signs.T >= least)
        later = second > first + start
        found += zip((first[later] + start).tolist(), second[later].tolist(), strict=True)
    return found


def groups(count: int, near_pairs: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """A group number for each of ``count`` photos; near-duplicates, also through a third photo, share one."""
    parent = list(range(count))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for first, second in near_pairs:
        parent[root(second)] = root(first)
    return np.array([root(row) for row in range(count)], np.int64)
