"""The gallery: embeddings of the reference photos and what they show. It is the truth behind every index."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import chain, groupby, pairwise, repeat
from operator import itemgetter

import cattrs
import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from lens_core.artifacts import tensors
from lens_core.contracts import Floats, Pixels, Rows
from lens_core.errors import ModelLoadError
from lens_core.photos.layout import nfc
from lens_core.structure import converter

NAME = "gallery.safetensors"
Descriptions = dict[str, dict[str, dict[str, str]]]
"""What visitors may read about an exhibit, by place, item and language."""
Label = tuple[str, str]
"""(place, item): what identifies an exhibit."""
_PLACE = itemgetter(0)


@frozen(eq=False)
class Gallery:
    """Reference embeddings, sorted by what they show: a place's rows stand together, and in it an item's.

    So the rows of a place are a slice, of a million embeddings as quickly as of ten, and of a mapped file
    without reading it. :meth:`of` sorts.
    """

    embeddings: Floats
    """float32[N, D], L2-normalised."""
    items: tuple[Label, ...]
    """K, sorted, each once."""
    bounds: Rows
    """int64[K + 1]: rows ``bounds[k]`` to ``bounds[k + 1]`` show ``items[k]``."""
    means: Floats
    """float32[K, D]: the direction of the mean of each item's embeddings."""
    descriptions: Descriptions = field(factory=dict)
    packed_phashes: Pixels | None = None
    """uint8[N, 8]: ``phashes``, eight bits to a byte."""

    @classmethod
    def of(
        cls,
        embeddings: Floats,
        labels: Sequence[Label],
        descriptions: Descriptions | None = None,
        phashes: Pixels | None = None,
    ) -> Gallery:
        """From float32[N, D], the (place, item) of each row, and perhaps ``phashes``, in any order."""
        items, numbers = _numbered(labels)
        embeddings = np.ascontiguousarray(embeddings, np.float32)
        packed = None if phashes is None else np.packbits(phashes, axis=1)
        if (numbers[1:] < numbers[:-1]).any():
            order = np.argsort(numbers, kind="stable")
            embeddings, packed = embeddings[order], None if packed is None else packed[order]
        bounds = _bounds(np.bincount(numbers, minlength=len(items)))
        return cls(embeddings, items, bounds, _means(embeddings, bounds), descriptions or {}, packed)

    def __len__(self) -> int:
        return len(self.embeddings)

    @property
    def labels(self) -> tuple[Label, ...]:
        """The (place, item) of every row; of a large gallery, ``items`` and ``bounds`` say it shorter."""
        counts = np.diff(self.bounds).tolist()
        return tuple(chain.from_iterable(map(repeat, self.items, counts)))

    @property
    def phashes(self) -> Pixels | None:
        """uint8[N, 64]: see :mod:`lens_core.photos.duplicates`. By these an evaluation knows the reference
        photos again, however they were saved; None where nobody computed them."""
        return None if self.packed_phashes is None else np.unpackbits(self.packed_phashes, axis=1)

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(place for place, _ in groupby(self.items, _PLACE))

    def numbers_of(self, rows: ArrayLike) -> Rows:
        """Which of the K items these rows show: int64, as many."""
        return np.searchsorted(self.bounds, rows, side="right") - 1

    def of_place(self, place: str) -> Gallery:
        """Only the rows of one place, looked at where they lie; none where there is no such place."""
        first = bisect_left(self.items, place, key=_PLACE)
        last = bisect_right(self.items, place, key=_PLACE)
        bounds = self.bounds[first : last + 1]
        rows = slice(bounds[0], bounds[-1])
        return Gallery(
            self.embeddings[rows],
            self.items[first:last],
            bounds - bounds[0],
            self.means[first:last],
            {place: self.descriptions[place]} if place in self.descriptions else {},
            None if self.packed_phashes is None else self.packed_phashes[rows],
        )

    def prototypes(self) -> Gallery:
        """One embedding per item: the normalised mean of its photos' embeddings."""
        return Gallery(self.means, self.items, np.arange(len(self.items) + 1), self.means, self.descriptions)

    def description(self, place: str, item: str, lang: str) -> str | None:
        """Of an exhibit, in a language; where there is none in it, in the first there is."""
        texts = self.descriptions.get(place, {}).get(item, {})
        return texts.get(lang) or next(iter(texts.values()), None)


def normalise(vectors: Floats) -> Floats:
    """Each row scaled to length 1; a zero row stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def _means(embeddings: Floats, bounds: Rows) -> Floats:
    sums = np.empty((len(bounds) - 1, embeddings.shape[1]), np.float32)
    for number, (start, end) in enumerate(pairwise(bounds)):
        embeddings[start:end].sum(axis=0, out=sums[number])
    return normalise(sums)


def _numbered(labels: Sequence[Label]) -> tuple[tuple[Label, ...], Rows]:
    """(the distinct labels, in NFC and sorted; which of them each one is: int64[N])."""
    spelt = {label: (nfc(label[0]), nfc(label[1])) for label in set(labels)}
    items = tuple(sorted(set(spelt.values())))
    numbers = {item: number for number, item in enumerate(items)}
    return items, np.fromiter((numbers[spelt[label]] for label in labels), np.int64, len(labels))


def _bounds(counts: Rows) -> Rows:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def to_parts(gallery: Gallery) -> list[bytes | memoryview]:
    """``gallery.safetensors`` in pieces, the arrays as they lie in memory."""
    photos: dict[str, dict[str, int]] = {place: {} for place in gallery.places}
    for (place, item), count in zip(gallery.items, np.diff(gallery.bounds).tolist(), strict=True):
        photos[place][item] = count
    about = {"photos": photos, "descriptions": gallery.descriptions}
    arrays: tensors.Arrays = {"embeddings": gallery.embeddings, "means": gallery.means}
    if gallery.packed_phashes is not None:
        arrays |= {"phashes": gallery.packed_phashes}
    text = {name: json.dumps(value, ensure_ascii=False) for name, value in about.items()}
    return tensors.parts(arrays, text)


def to_bytes(gallery: Gallery) -> bytes:
    return b"".join(to_parts(gallery))


def from_bytes(content: bytes | Pixels, path: object = "The file") -> Gallery:
    """The gallery in these bytes of ``path``, its arrays looking at them. Raises ModelLoadError (E200)."""
    try:
        arrays, about = tensors.views(content)
        photos = converter.structure(json.loads(about["photos"]), dict[str, dict[str, int]])
        descriptions = converter.structure(json.loads(about["descriptions"]), Descriptions)
        items = tuple((place, item) for place, of_place in photos.items() for item in of_place)
        counts = [count for of_place in photos.values() for count in of_place.values()]
        bounds = _bounds(np.array(counts, np.int64))
        gallery = Gallery(
            arrays["embeddings"], items, bounds, arrays["means"], descriptions, arrays.get("phashes")
        )
    except (KeyError, ValueError, TypeError, AttributeError, cattrs.BaseValidationError) as error:
        raise _not_understood(path, error) from error
    if fault := _fault(gallery):
        raise _not_understood(path, fault)
    return gallery


def _not_understood(path: object, why: object) -> ModelLoadError:
    return ModelLoadError(
        f"{path} holds a gallery that is not understood: {why}.",
        "Make it again with this version: ai-lens train, export or build-index.",
    )


def _fault(gallery: Gallery) -> str | None:
    """What no gallery of :meth:`Gallery.of` would have; found without looking at every embedding."""
    embeddings, means, bounds = gallery.embeddings, gallery.means, gallery.bounds
    hashes = gallery.packed_phashes
    if embeddings.ndim != 2 or embeddings.dtype != np.float32 or not len(embeddings):
        return "it is empty or holds no embeddings"
    if bounds[-1] != len(embeddings) or (bounds[1:] <= bounds[:-1]).any():
        return "not every embedding has its label"
    if list(gallery.items) != sorted(gallery.items):
        return "its rows are not sorted"
    if means.dtype != np.float32 or means.shape != (len(gallery.items), embeddings.shape[1]):
        return "not every item has its mean"
    if not np.isfinite(means).all():  # what is no number among an item's embeddings is none in their mean
        return "it holds no numbers"
    if hashes is not None and (hashes.dtype != np.uint8 or hashes.shape != (len(embeddings), 8)):
        return "not every photo has its hash"
    return None
