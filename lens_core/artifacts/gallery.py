"""The gallery: embeddings of the reference photos and what they show. It is the truth behind every index."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy
from attrs import frozen

from lens_core.artifacts import container
from lens_core.contracts import Floats
from lens_core.errors import ModelLoadError

NAME = "gallery.safetensors"
INDEX = "index.bin"
_ABOUT = "about.json"


@frozen(eq=False)
class Gallery:
    """Reference embeddings and, row by row, the (place, item) they show."""

    embeddings: Floats
    """float32[N, D], L2-normalised."""
    labels: tuple[tuple[str, str], ...]

    def items(self, place: str) -> tuple[str, ...]:
        """The items of a place, sorted; empty when the gallery does not know the place."""
        return tuple(sorted({item for where, item in self.labels if where == place}))

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(sorted({place for place, _ in self.labels}))

    def of_place(self, place: str) -> Gallery:
        """Only the rows of one place."""
        rows = [row for row, (where, _) in enumerate(self.labels) if where == place]
        return Gallery(self.embeddings[rows], tuple(self.labels[row] for row in rows))

    def prototypes(self) -> Gallery:
        """One embedding per item: the normalised mean of its photos' embeddings."""
        keys = sorted(set(self.labels))
        means = np.stack([self.embeddings[self._rows(key)].mean(axis=0) for key in keys])
        return Gallery(normalise(means), tuple(keys))

    def _rows(self, key: tuple[str, str]) -> list[int]:
        return [row for row, label in enumerate(self.labels) if label == key]


def normalise(vectors: Floats) -> Floats:
    """Each row scaled to length 1; a zero row stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def to_bytes(gallery: Gallery) -> bytes:
    labels = json.dumps(gallery.labels, ensure_ascii=False)
    return safetensors.numpy.save(
        {"embeddings": np.ascontiguousarray(gallery.embeddings, np.float32)}, {"labels": labels}
    )


def from_bytes(content: bytes) -> Gallery:
    """Raises ModelLoadError (E200) when the bytes are no gallery."""
    try:
        embeddings = safetensors.numpy.load(content)["embeddings"]
        labels = tuple((place, item) for place, item in json.loads(_metadata(content)["labels"]))
    except (safetensors.SafetensorError, KeyError, ValueError, TypeError) as error:
        raise ModelLoadError(f"The gallery is not understood: {error}.") from error
    return Gallery(embeddings, labels)


def _metadata(content: bytes) -> dict[str, str]:
    # safetensors.numpy.load drops the metadata; the header is 8 bytes of length, then JSON.
    length = int.from_bytes(content[:8], "little")
    metadata: dict[str, str] = json.loads(content[8 : 8 + length])["__metadata__"]
    return metadata


@frozen(eq=False)
class GalleryFile:
    """What ``ai-lens build-index`` saves: a gallery, the model it belongs to, and a ready index over it."""

    gallery: Gallery
    embedding_id: str
    index: str
    """The index plugin that was used."""
    index_options: dict[str, object]
    index_bytes: bytes

    def write(self, path: Path) -> None:
        about = {
            "embedding_id": self.embedding_id,
            "index": self.index,
            "index_options": self.index_options,
        }
        container.write(
            path,
            {
                _ABOUT: json.dumps(about, ensure_ascii=False).encode(),
                NAME: to_bytes(self.gallery),
                INDEX: self.index_bytes,
            },
        )


def read_file(path: Path) -> GalleryFile:
    """What ``ai-lens build-index`` wrote. Raises ModelLoadError (E200), DamagedArtifactError (E210)."""
    documents = container.read(path)
    if _ABOUT not in documents or NAME not in documents:
        raise ModelLoadError(f"{path} is not a gallery made by `ai-lens build-index`.")
    about = json.loads(documents[_ABOUT])
    return GalleryFile(
        from_bytes(documents[NAME]),
        about["embedding_id"],
        about["index"],
        about["index_options"],
        documents.get(INDEX, b""),
    )
