"""``.index``: a gallery built apart from its model, with an index ready to search it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from attrs import field, frozen
from attrs.validators import deep_mapping, instance_of, matches_re

from lens_core.artifacts import container, formats, gallery
from lens_core.artifacts.gallery import Gallery
from lens_core.contracts import Pixels
from lens_core.errors import ModelLoadError, WrongGalleryError

FORMAT = 1
_ABOUT = "about.json"
_INDEXES = "indexes/"


@frozen(eq=False)
class SavedIndex:
    """What an index plugin saved of one place."""

    sha256: str
    content: Pixels
    """uint8[size]."""

    @classmethod
    def of(cls, content: Pixels) -> SavedIndex:
        return cls(hashlib.sha256(content.data).hexdigest(), content)


@frozen
class _About:
    """The ``about.json`` of a gallery file."""

    embedding_id: str
    index: str
    index_options: dict[str, Any]
    indexes: dict[str, str] = field(validator=deep_mapping(instance_of(str), matches_re("[0-9a-f]{64}")))
    """By place, the SHA-256 that names its index in the file, and in the cache: never a path."""
    format: int = FORMAT


@frozen(eq=False)
class GalleryFile:
    """What ``ai-lens build-index`` saves: a gallery, the model it belongs to, and ready indexes over it."""

    gallery: Gallery
    embedding_id: str
    index: str
    """The index plugin that was used."""
    index_options: dict[str, Any]
    indexes: Mapping[str, SavedIndex]
    """By place; empty where the plugin's indexes are built too quickly to be worth keeping."""

    def write(self, path: Path) -> None:
        """Whole or not at all, from the arrays as they lie in memory. Raises CannotWriteError (E700)."""
        digests = {place: saved.sha256 for place, saved in self.indexes.items()}
        about = _About(self.embedding_id, self.index, self.index_options, digests)
        indexes = {_INDEXES + saved.sha256: [saved.content.data] for saved in self.indexes.values()}
        container.write(
            path,
            {
                _ABOUT: json.dumps(attrs.asdict(about), ensure_ascii=False).encode(),
                gallery.NAME: gallery.to_parts(self.gallery),
                **indexes,
            },
        )


def looks_like_one(begin: bytes) -> bool:
    """Whether a file that begins so may be a gallery file."""
    return begin.startswith(b"PK") and _ABOUT.encode() in begin[:100]


def read_file(path: Path) -> GalleryFile:
    """What ``ai-lens build-index`` wrote: checked, then mapped, so only what is asked for is read.

    Raises ModelLoadError (E200), DamagedArtifactError (E210).
    """
    documents = container.mapped(path)
    if _ABOUT not in documents:
        raise ModelLoadError(f"{path} is not a gallery made by `ai-lens build-index`.")
    content, again = documents[_ABOUT].tobytes(), WrongGalleryError.remedy
    about = formats.structured(content, _About, FORMAT, name=_ABOUT, path=path, again=again)
    if gallery.NAME not in documents:
        raise ModelLoadError(f"{path} holds no gallery.", again)
    indexes = {
        place: SavedIndex(sha256, documents[_INDEXES + sha256])
        for place, sha256 in about.indexes.items()
        if _INDEXES + sha256 in documents
    }
    return GalleryFile(
        gallery.from_bytes(documents[gallery.NAME], path),
        about.embedding_id,
        about.index,
        about.index_options,
        indexes,
    )
