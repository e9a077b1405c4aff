"""Nearest reference photos within a place."""

from __future__ import annotations

import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from attrs import define, field, frozen

from lens_core import plugins
from lens_core.artifacts import integrity
from lens_core.artifacts.atomic import atomic_write
from lens_core.artifacts.cache import cache_folder
from lens_core.artifacts.gallery import Gallery, GalleryFile
from lens_core.contracts import Floats, Rows, VectorIndex
from lens_core.decision.scores import Mahalanobis
from lens_core.errors import (
    ArtifactError,
    BrokenPluginError,
    CannotWriteError,
    DamagedArtifactError,
    ModelLoadError,
)
from lens_core.runtime.arrays import FARTHEST

CANDIDATES = 10
"""Rows asked of an index for one photo; the nearest of them by the gallery's own embeddings is the answer."""


@frozen(eq=False)
class PlaceSearch:
    """One place's gallery behind an index."""

    items: tuple[str, ...]
    """Sorted."""
    prototypes: Floats
    """float32[K, D]: the mean embedding of each item's photos."""
    gallery: Gallery
    """The embeddings and labels of the index's rows."""
    index: VectorIndex
    index_name: str

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
        return ranked.astype(np.float32), [self.gallery.labels[row][1] for row in nearest]

    @cached_property
    def mahalanobis(self) -> Mahalanobis:
        """Of this place's reference photos."""
        numbers = {item: number for number, item in enumerate(self.items)}
        labels = np.array([numbers[item] for _, item in self.gallery.labels], np.int64)
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
            and rows.max(initial=-1) < len(self.gallery.labels)
        ):
            return rows
        raise BrokenPluginError(
            f"index '{self.index_name}' answered {answer!r:.60} for {len(queries)} photos, which are no rows "
            f"of the {len(self.gallery.labels)} reference photos.",
            "Use another one: --index exact.",
        )


@define
class GallerySearch:
    """The galleries a model answers from; each place is indexed when it is first asked for."""

    gallery: Gallery
    index: str = "exact"
    index_options: dict[str, Any] = field(factory=dict)
    places: tuple[str, ...] = field(init=False)
    warnings: list[str] = field(factory=list, init=False)
    """Why a stored index was not used."""
    _ready: dict[str, PlaceSearch] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.places = self.gallery.places

    @classmethod
    def of_file(cls, file: GalleryFile, index: str | None, options: dict[str, Any]) -> GallerySearch:
        """Search a built gallery file, with the index stored in it unless another one is asked for."""
        own = dict(file.index_options) if index in (None, file.index) else {}
        search = cls(file.gallery, index or file.index, own | options)
        if search.index != file.index or len(search.places) != 1:
            return search
        if search.index_options != file.index_options:
            search.warnings.append(
                f"The stored {file.index} index has other options, so it is made again from the gallery. "
                "Store it with these: ai-lens build-index."
            )
            return search
        try:
            search._ready[search.places[0]] = _place_search(file.gallery, _stored_index(file), file.index)
        except (ArtifactError, BrokenPluginError, CannotWriteError) as error:
            # The gallery is the truth: the index is made again, from it, when it is needed.
            search.warnings.append(
                f"The stored {file.index} index is not used and is made again from the gallery: {error.what} "
                "Save it anew with `ai-lens build-index` to open it faster."
            )
        return search

    def of_place(self, place: str) -> PlaceSearch:
        if place not in self._ready:
            rows = self.gallery.of_place(place)
            index = build_index(rows, self.index, self.index_options)
            self._ready[place] = _place_search(rows, index, self.index)
        return self._ready[place]

    def warm_up(self) -> None:
        """Make every place's index ready to answer at once."""
        for place in self.places:
            self.of_place(place).index.warm_up()


def _stored_index(file: GalleryFile) -> VectorIndex:
    """The index in a gallery file. Raises ArtifactError (E2xx), BrokenPluginError or CannotWriteError."""
    if not file.index_bytes:
        raise ModelLoadError("The file holds none.")
    index = make_index(file.index, file.index_options, _dim(file.gallery))
    index.load(_as_cached_file(file.index_bytes))
    rows, stored = len(file.gallery.labels), len(index)
    if stored != rows:
        raise DamagedArtifactError(f"It has {stored} vectors, the gallery {rows}.")
    return index


def _place_search(rows: Gallery, index: VectorIndex, index_name: str) -> PlaceSearch:
    prototypes = rows.prototypes()
    items = tuple(item for _, item in prototypes.labels)
    return PlaceSearch(items, prototypes.embeddings, rows, index, index_name)


def make_index(name: str, options: dict[str, Any], dim: int) -> VectorIndex:
    """An empty index. Raises PluginError (E4xx) or BadSettingError (E600)."""
    index: VectorIndex = plugins.make("index", name, options, dim=dim)
    return index


def build_index(gallery: Gallery, name: str, options: dict[str, Any]) -> VectorIndex:
    """An index over a gallery's embeddings, row for row."""
    index = make_index(name, options, _dim(gallery))
    index.build(np.ascontiguousarray(gallery.embeddings))
    return index


def _as_cached_file(content: bytes) -> Path:
    """Index libraries map files, not bytes, into memory; the file is named by its content."""
    name = integrity.sha256(content)
    path = cache_folder() / "index" / name
    if not _holds(path, name):
        atomic_write(path, content)
    return path


def _holds(path: Path, sha256: str) -> bool:
    try:
        return integrity.sha256(path.read_bytes()) == sha256
    except OSError:  # not there, or not for us to read
        return False


def _dim(gallery: Gallery) -> int:
    return int(gallery.embeddings.shape[1])


def to_file(gallery: Gallery, embedding_id: str, index: str, options: dict[str, Any]) -> GalleryFile:
    """A gallery file with a ready index in it, for ``build-index`` to write."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        build_index(gallery, index, options).save(path)
        return GalleryFile(gallery, embedding_id, index, options, path.read_bytes())
