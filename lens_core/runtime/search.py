"""Nearest reference photos within a place."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from attrs import define, field

from lens_core import plugins
from lens_core.artifacts.atomic import atomic_write
from lens_core.artifacts.gallery import Gallery, GalleryFile
from lens_core.contracts import Floats, VectorIndex


@define
class GallerySearch:
    """The galleries a model answers from, each place behind an index made when it is first asked for."""

    gallery: Gallery
    index: str = "exact"
    index_options: dict[str, Any] = field(factory=dict)
    _ready: dict[str, tuple[VectorIndex, tuple[str, ...]]] = field(factory=dict, init=False)

    @classmethod
    def of_file(cls, file: GalleryFile, index: str | None, options: dict[str, Any]) -> GallerySearch:
        """Search a built gallery file, with the index stored in it unless another one is asked for."""
        search = cls(file.gallery, index or file.index, options or dict(file.index_options))
        places = file.gallery.places
        if file.index_bytes and len(places) == 1 and search.index == file.index:
            stored = plugins.make("index", file.index, search.index_options, dim=_dim(file.gallery))
            stored.load(_as_cached_file(file.index_bytes))
            search._ready[places[0]] = (stored, tuple(item for _, item in file.gallery.labels))
        return search

    def nearest(self, place: str, queries: Floats) -> tuple[Floats, list[str]]:
        """(d_top1 float32[Q], the item of the nearest reference photo for each query)."""
        index, items = self._of_place(place)
        distances, rows = index.search(queries, 1)
        return distances[:, 0], [items[row] for row in rows[:, 0]]

    def _of_place(self, place: str) -> tuple[VectorIndex, tuple[str, ...]]:
        if place not in self._ready:
            rows = self.gallery.of_place(place)
            index = build_index(rows, self.index, self.index_options)
            self._ready[place] = (index, tuple(item for _, item in rows.labels))
        return self._ready[place]


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
    path = cache_folder() / "index" / hashlib.sha256(content).hexdigest()
    if not path.exists() or path.stat().st_size != len(content):
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
