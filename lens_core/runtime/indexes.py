"""Indexes over the embeddings of a place: made, built, stored in a gallery file, opened from it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, TypeGuard

from lens_core import plugins
from lens_core.artifacts.atomic import check_writable
from lens_core.artifacts.cache import as_file
from lens_core.artifacts.gallery import Gallery
from lens_core.artifacts.gallery_file import GalleryFile, SavedIndex
from lens_core.contracts import StoredIndex, VectorIndex, members
from lens_core.errors import DamagedArtifactError, ModelLoadError
from lens_core.runtime.arrays import map_file


def make(name: str, options: dict[str, Any], dim: int) -> VectorIndex:
    """An empty index. Raises PluginError (E4xx) or BadSettingError (E600)."""
    index: VectorIndex = plugins.make("index", name, options, dim=dim)
    return index


def build(gallery: Gallery, name: str, options: dict[str, Any]) -> VectorIndex:
    """An index over a gallery's embeddings, row for row."""
    index = make(name, options, gallery.embeddings.shape[1])
    index.build(gallery.embeddings)
    return index


def is_stored(index: VectorIndex) -> TypeGuard[StoredIndex]:
    """Whether gallery files hold it ready, or it is built whenever it is needed."""
    return all(hasattr(index, name) for name in members(StoredIndex))


def load(index: StoredIndex, saved: SavedIndex | None, count: int) -> None:
    """Let ``index`` open what a gallery file holds for a place of so many embeddings.

    Raises ArtifactError (E2xx), BrokenPluginError (E420) or CannotWriteError (E700).
    """
    if saved is None:
        raise ModelLoadError("The file holds none.")
    index.load(as_file(saved.content, saved.sha256))
    if len(index) != count:
        raise DamagedArtifactError(f"It has {len(index)} vectors, the gallery {count}.")


def write_file(path: Path, gallery: Gallery, embedding_id: str, name: str, options: dict[str, Any]) -> None:
    """A gallery file with a ready index for each place in it. Raises CannotWriteError (E700)."""
    check_writable(path)
    saved: dict[str, SavedIndex] = {}
    # Beside the file, where there is room for as much; on Windows the folder can go once nothing is mapped.
    with tempfile.TemporaryDirectory(prefix=".ai-lens-", dir=path.parent) as folder:
        for number, place in enumerate(gallery.places):
            index = build(gallery.of_place(place), name, options)
            if is_stored(index):
                file = Path(folder) / str(number)
                index.save(file)
                saved[place] = SavedIndex.of(map_file(file))
        GalleryFile(gallery, embedding_id, name, options, saved).write(path)
        saved.clear()
