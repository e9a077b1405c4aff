"""Nearest reference photos within a place."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from attrs import define, field, frozen

from lens_core import plugins
from lens_core.artifacts import integrity
from lens_core.artifacts.atomic import atomic_write
from lens_core.artifacts.gallery import Gallery, GalleryFile
from lens_core.contracts import Floats, VectorIndex
from lens_core.errors import ArtifactError, CannotWriteError


@frozen(eq=False)
class PlaceSearch:
    """One place's gallery behind an index."""

    items: tuple[str, ...]
    """Sorted."""
    prototypes: Floats
    """float32[K, D]: the mean embedding of each item's photos."""
    index: VectorIndex
    row_items: tuple[str, ...]
    """The item of each row of the index."""

    def nearest(self, queries: Floats) -> tuple[Floats, list[str]]:
        """(d_top1 float32[Q], the item of the nearest reference photo for each query)."""
        distances, rows = self.index.search(queries, 1)
        return distances[:, 0], [self.row_items[row] for row in rows[:, 0]]


@define
class GallerySearch:
    """The galleries a model answers from; each place is indexed when it is first asked for."""

    gallery: Gallery
    index: str = "exact"
    index_options: dict[str, Any] = field(factory=dict)
    places: tuple[str, ...] = field(init=False)
    _ready: dict[str, PlaceSearch] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.places = self.gallery.places

    @classmethod
    def of_file(cls, file: GalleryFile, index: str | None, options: dict[str, Any]) -> GallerySearch:
        """Search a built gallery file, with the index stored in it unless another one is asked for."""
        search = cls(file.gallery, index or file.index, options or dict(file.index_options))
        if file.index_bytes and len(search.places) == 1 and search.index == file.index:
            options, dim = search.index_options, _dim(file.gallery)
            stored: VectorIndex = plugins.make("index", file.index, options, dim=dim)
            # The gallery is the truth: an index that cannot be used is made again when it is needed.
            with suppress(CannotWriteError, ArtifactError):
                stored.load(_as_cached_file(file.index_bytes))
                if len(stored) == len(file.gallery.labels):
                    search._ready[search.places[0]] = _place_search(file.gallery, stored)
        return search

    def of_place(self, place: str) -> PlaceSearch:
        if place not in self._ready:
            rows = self.gallery.of_place(place)
            self._ready[place] = _place_search(rows, build_index(rows, self.index, self.index_options))
        return self._ready[place]


def _place_search(rows: Gallery, index: VectorIndex) -> PlaceSearch:
    prototypes = rows.prototypes()
    items = tuple(item for _, item in prototypes.labels)
    return PlaceSearch(items, prototypes.embeddings, index, tuple(item for _, item in rows.labels))


def build_index(gallery: Gallery, name: str, options: dict[str, Any]) -> VectorIndex:
    """An index over a gallery's embeddings, row for row."""
    index: VectorIndex = plugins.make("index", name, options, dim=_dim(gallery))
    index.add(np.ascontiguousarray(gallery.embeddings))
    return index


def cache_folder() -> Path:
    """Where things that can be made again are kept: ``AI_LENS_CACHE_DIR`` or the platform's cache folder."""
    chosen = os.environ.get("AI_LENS_CACHE_DIR")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("ai-lens"))


def _as_cached_file(content: bytes) -> Path:
    """Index libraries map files, not bytes, into memory; the file is named by its content."""
    name = integrity.sha256(content)
    path = cache_folder() / "index" / name
    if not path.exists() or integrity.sha256(path.read_bytes()) != name:
        atomic_write(path, content)
    return path


def _dim(gallery: Gallery) -> int:
    return int(gallery.embeddings.shape[1])


def to_file(gallery: Gallery, embedding_id: str, index: str, options: dict[str, Any]) -> GalleryFile:
    """A gallery file with a ready index in it, for ``build-index`` to write."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        build_index(gallery, index, options).save(path)
        return GalleryFile(gallery, embedding_id, index, options, path.read_bytes())
