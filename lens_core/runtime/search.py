"""Nearest reference photos within a place."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from attrs import define, field, frozen

from lens_core.artifacts.gallery import Gallery
from lens_core.artifacts.gallery_file import GalleryFile, SavedIndex
from lens_core.contracts import Floats, Rows, VectorIndex
from lens_core.decision.scores import Mahalanobis
from lens_core.errors import ArtifactError, BrokenPluginError, CannotWriteError
from lens_core.runtime import indexes
from lens_core.runtime.arrays import FARTHEST, touch

CANDIDATES = 10
"""Rows asked of an index for one photo; the nearest of them by the gallery's own embeddings is the answer."""


@frozen(eq=False)
class PlaceSearch:
    """One place's gallery behind an index."""

    gallery: Gallery
    index: VectorIndex
    index_name: str

    @cached_property
    def items(self) -> tuple[str, ...]:
        """K, sorted."""
        return tuple(item for _, item in self.gallery.items)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Which of the K each item is."""
        return {item: number for number, item in enumerate(self.items)}

    @property
    def prototypes(self) -> Floats:
        """float32[K, D]: the mean embedding of each item's photos."""
        return self.gallery.means

    def nearest(self, queries: Floats) -> tuple[Floats, list[str]]:
        """(cosines float32[Q, k] of the most similar reference photos, best first; the item of the first).

        The index only finds candidates. Cosines come from the gallery, so D means the same whichever index
        is used and however coarsely it stores its vectors.
        """
        rows = self._candidates(queries)
        found = self.gallery.embeddings[rows]  # row -1, not found, is put last below
        cosines = np.where(rows < 0, 1 - FARTHEST, np.einsum("qkd,qd->qk", found, queries))
        order = np.argsort(-cosines, axis=1, kind="stable")
        nearest = np.take_along_axis(rows, order[:, :1], axis=1)[:, 0]
        ranked = np.take_along_axis(cosines, order, axis=1).clip(1 - FARTHEST, 1)
        shown = self.gallery.numbers_of(nearest % len(self.gallery))
        return ranked.astype(np.float32), [self.items[number] for number in shown]

    @cached_property
    def mahalanobis(self) -> Mahalanobis:
        """Of this place's reference photos."""
        labels = self.gallery.numbers_of(np.arange(len(self.gallery)))
        return Mahalanobis.of(self.gallery.embeddings, labels)

    def _candidates(self, queries: Floats) -> Rows:
        """int64[Q, k] rows of the gallery, -1 where there is none. Raises BrokenPluginError (E420)."""
        answer: Any = self.index.search(queries, min(CANDIDATES, len(self.index)))
        rows = answer[1] if isinstance(answer, tuple) and len(answer) == 2 else None
        if (
            isinstance(rows, np.ndarray)
            and rows.dtype.kind == "i"
            and rows.ndim == 2
            and rows.shape[0] == len(queries)
            and rows.shape[1] > 0
            and rows.min(initial=0) >= -1
            and rows.max(initial=-1) < len(self.gallery)
        ):
            return rows
        raise BrokenPluginError(
            f"index '{self.index_name}' answered {answer!r:.60} for {len(queries)} photos, which are no rows "
            f"of the {len(self.gallery)} reference photos.",
            "Use another one: --index exact.",
        )


@define
class GallerySearch:
    """The galleries a model answers from; a place's index is opened or built when it is first asked for."""

    gallery: Gallery
    index: str = "exact"
    index_options: dict[str, Any] = field(factory=dict)
    stored: Mapping[str, SavedIndex] | None = None
    """Indexes of this kind and with these options, by place; None where there is no file to have them."""
    places: tuple[str, ...] = field(init=False)
    warnings: list[str] = field(factory=list, init=False)
    """Why a stored index was not used."""
    _ready: dict[str, PlaceSearch] = field(factory=dict, init=False)
    _one_at_a_time: threading.Lock = field(factory=threading.Lock, init=False)

    def __attrs_post_init__(self) -> None:
        self.places = self.gallery.places

    @classmethod
    def of_file(cls, file: GalleryFile, index: str | None, options: dict[str, Any]) -> GallerySearch:
        """Search a built gallery file, with the indexes stored in it unless another one is asked for."""
        if index not in (None, file.index):
            return cls(file.gallery, index or file.index, options)
        wanted = dict(file.index_options) | options
        if wanted == file.index_options or not file.indexes:
            return cls(file.gallery, file.index, wanted, file.indexes)
        search = cls(file.gallery, file.index, wanted)
        search.warnings.append(
            f"The stored {file.index} index has other options, so it is made again from the gallery. "
            "Store it with these: ai-lens build-index."
        )
        return search

    def of_place(self, place: str) -> PlaceSearch:
        with self._one_at_a_time:  # several threads ask, and an index may take minutes to build
            if place not in self._ready:
                rows = self.gallery.of_place(place)
                self._ready[place] = PlaceSearch(rows, self._index(place, rows), self.index)
            return self._ready[place]

    def warm_up(self) -> None:
        """Bring into memory what is mapped, and make every place's index ready to answer at once."""
        for array in (self.gallery.embeddings, self.gallery.means):
            touch(array.reshape(-1).view(np.uint8))
        for place in self.places:
            index = self.of_place(place).index
            if indexes.is_stored(index):
                index.warm_up()

    def _index(self, place: str, rows: Gallery) -> VectorIndex:
        index = indexes.make(self.index, self.index_options, rows.embeddings.shape[1])
        if self.stored is not None and indexes.is_stored(index):
            try:
                indexes.load(index, self.stored.get(place), len(rows))
                return index
            except (ArtifactError, BrokenPluginError, CannotWriteError) as error:
                # The gallery is the truth: the index is made again from it.
                self.warnings.append(
                    f"The stored {self.index} index of {place} is not used and is made again from the "
                    f"gallery: {error.what} Save it anew with `ai-lens build-index` to open it faster."
                )
        return indexes.build(rows, self.index, self.index_options)
