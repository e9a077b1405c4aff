"""How much photos look like their own item and like the others, before anything is trained.

Appearances are whitened over all photos, as a model's embedding will be, and every photo is compared with the
other shots of each item. Copies of the photo itself do not count: they would always recognise it.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from lens_core.audit.appearance import PARTS
from lens_core.contracts import Floats, Rows

MOST_DIMENSIONS = 128
_PHOTOS_PER_DIMENSION = 4
"""With fewer, whitening makes all photos equally unlike each other."""
_MOST_TO_LEARN_FROM = 2000
"""Photos that the whitening is learnt from; more would not change it."""
_NEAREST = 3
_NOTHING = -1.0
_HARDLY_ANYTHING = 1e-4
"""Length of what is left of a sum by rounding."""
_BLOCK = 512


@frozen(eq=False)
class Likeness:
    """N photos compared with items. Every likeness is a cosine: 1 the same, 0 nothing in common."""

    own: Floats
    """float32[N]: to the mean of the other shots of its item; -1 where there are none."""
    rival: Floats
    """float32[N]: to the most similar other item of its place; -1 where there is none."""
    rival_item: Rows
    """int64[N]: that item."""
    stray: Floats
    """float32[N]: to the most similar other item of any place."""
    stray_item: Rows
    """int64[N]: that item."""
    lead_nearby: Floats
    """float32[N]: the same by the three most similar shots of each item: own minus rival."""

    @property
    def lead(self) -> Floats:
        """float32[N]: how much more a photo is like its own item than like the others of its place."""
        return self.own - self.rival


def compare(appearances: NDArray[np.float16], items: Rows, place_of: Rows, shots: Rows) -> Likeness:
    """Compare N photos with C items.

    ``appearances`` float16[N, F]; ``items`` int64[N]; ``place_of`` int64[C]; ``shots`` int64[N]: photos of
    one number are copies of one shot.
    """
    vectors = whiten(appearances)
    # One shot may be filed under two items: it belongs to both of them.
    _, filed = np.unique(np.stack((items, shots)), axis=1, return_inverse=True)
    sums = _sums(vectors, items, filed, len(place_of))
    cosines = vectors @ _unit(sums).T
    _without_copies(cosines, vectors, items, shots, sums)
    cosines[np.arange(len(items)), items] = _NOTHING
    in_place = np.where(place_of[items][:, None] == place_of[None, :], cosines, np.float32(_NOTHING))
    return Likeness(
        _to_its_own(vectors, items, shots),
        in_place.max(axis=1),
        in_place.argmax(axis=1),
        cosines.max(axis=1),
        cosines.argmax(axis=1),
        _lead_nearby(vectors, items, place_of, shots, filed),
    )


def whiten(appearances: NDArray[np.float16]) -> Floats:
    """float32[N, D], L2-normalised: PCA with shrunk whitening; each part of it counts the same."""
    parts = np.split(appearances.astype(np.float32), np.cumsum(PARTS)[:-1], axis=1)
    features = np.concatenate([_unit(part - part.mean(axis=0)) for part in parts], axis=1)
    known = features[_evenly(len(features), _MOST_TO_LEARN_FROM)]
    centre = known.mean(axis=0)
    dims = max(1, min(MOST_DIMENSIONS, len(known) // _PHOTOS_PER_DIMENSION))
    # There are fewer photos than numbers of each: the products of photos have the same axes at less cost.
    products, photos = np.linalg.eigh((known - centre) @ (known - centre).T)
    variances = np.maximum(products[-dims:], 0) / len(known)
    axes = _unit(photos[:, -dims:].T @ (known - centre))
    scale = np.sqrt(variances + variances.mean() + 1e-12)
    return _unit((features - centre) @ axes.T / scale)


def _sums(vectors: Floats, items: Rows, filed: Rows, count: int) -> Floats:
    """float32[C, D]: the sum of each item's shots; 0 for an item without photos."""
    _, first = np.unique(filed, return_index=True)
    sums = np.zeros((count, vectors.shape[1]), np.float32)
    np.add.at(sums, items[first], vectors[first])
    return sums


def _without_copies(cosines: Floats, vectors: Floats, items: Rows, shots: Rows, sums: Floats) -> None:
    """Compare a shot that is filed under several items with the other shots of each of them."""
    for rows in _rows_by(shots):
        for copy in _first_of_each(rows, items) if len(np.unique(items[rows])) > 1 else ():
            rest = sums[items[copy]] - vectors[copy]
            alone = np.linalg.norm(rest) < _HARDLY_ANYTHING
            cosines[rows, items[copy]] = _NOTHING if alone else vectors[rows] @ _unit(rest[None])[0]


def _to_its_own(vectors: Floats, items: Rows, shots: Rows) -> Floats:
    own = np.full(len(vectors), _NOTHING, np.float32)
    for rows in _rows_by(items):
        for row in rows:
            others = _first_of_each(rows[shots[rows] != shots[row]], shots)
            if len(others):
                own[row] = vectors[row] @ _unit(vectors[others].sum(axis=0, keepdims=True))[0]
    return own


def _lead_nearby(vectors: Floats, items: Rows, place_of: Rows, shots: Rows, filed: Rows) -> Floats:
    leads = np.zeros(len(vectors), np.float32)
    for rows in _rows_by(place_of[items]):
        columns = _first_of_each(rows, filed)
        columns = columns[np.argsort(items[columns], kind="stable")]
        starts = np.flatnonzero(np.diff(items[columns], prepend=-1))
        for block in np.array_split(rows, range(_BLOCK, len(rows), _BLOCK)):
            cosines = vectors[block] @ vectors[columns].T
            cosines[shots[block][:, None] == shots[columns][None, :]] = _NOTHING
            by_item = np.stack([_nearest(part) for part in np.split(cosines, starts[1:], axis=1)], axis=1)
            is_own = items[block][:, None] == items[columns[starts]][None, :]
            own = by_item[is_own]
            leads[block] = own - np.where(is_own, np.float32(_NOTHING), by_item).max(axis=1)
    return leads


def _nearest(cosines: Floats) -> Floats:
    """float32[Q]: the mean of the three largest of each row; -1 where the row has none."""
    nearest = -np.sort(-cosines, axis=1)[:, :_NEAREST]
    known = nearest > _NOTHING
    means: Floats = np.where(known, nearest, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where(known.any(axis=1), means, np.float32(_NOTHING)).astype(np.float32)


def _rows_by(groups: Rows) -> list[Rows]:
    """The rows of each group."""
    order = np.argsort(groups, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)


def _first_of_each(rows: Rows, groups: Rows) -> Rows:
    """One of these rows for every group among them."""
    _, first = np.unique(groups[rows], return_index=True)
    chosen: Rows = rows[first]
    return chosen


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)


def _evenly(count: int, most: int) -> Rows:
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))
