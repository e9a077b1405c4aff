"""The gallery: embeddings of the reference photos and what they show. It is the truth behind every index."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import cattrs
import numpy as np
import safetensors
import safetensors.numpy
from attrs import field, frozen

from lens_core.artifacts import container, formats
from lens_core.contracts import Floats, Pixels
from lens_core.errors import ModelLoadError, WrongGalleryError
from lens_core.structure import converter

NAME = "gallery.safetensors"
INDEX = "index.bin"
FORMAT = 1
_ABOUT = "about.json"
Descriptions = dict[str, dict[str, dict[str, str]]]
"""What visitors may read about an exhibit, by place, item and language."""


@frozen(eq=False)
class Gallery:
    """Reference embeddings and, row by row, the (place, item) they show."""

    embeddings: Floats
    """float32[N, D], L2-normalised."""
    labels: tuple[tuple[str, str], ...]
    descriptions: Descriptions = field(factory=dict)
    phashes: Pixels | None = None
    """uint8[N, 64]: see :mod:`lens_core.photos.duplicates`. By these an evaluation knows the reference photos
    again, however they were saved; None where nobody computed them."""

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(sorted({place for place, _ in self.labels}))

    def of_place(self, place: str) -> Gallery:
        """Only the rows of one place."""
        rows = [row for row, (where, _) in enumerate(self.labels) if where == place]
        labels = tuple(self.labels[row] for row in rows)
        phashes = None if self.phashes is None else self.phashes[rows]
        return Gallery(self.embeddings[rows], labels, self._described(labels), phashes)

    def prototypes(self) -> Gallery:
        """One embedding per item: the normalised mean of its photos' embeddings."""
        keys = sorted(set(self.labels))
        numbers = {key: number for number, key in enumerate(keys)}
        sums = np.zeros((len(keys), self.embeddings.shape[1]), np.float32)
        np.add.at(sums, [numbers[label] for label in self.labels], self.embeddings)
        return Gallery(normalise(sums), tuple(keys), self.descriptions)

    def description(self, place: str, item: str, lang: str) -> str | None:
        """Of an exhibit, in a language; where there is none in it, in the first there is."""
        texts = self.descriptions.get(place, {}).get(item, {})
        return texts.get(lang) or next(iter(texts.values()), None)

    def _described(self, labels: Iterable[tuple[str, str]]) -> Descriptions:
        places = {place for place, _ in labels}
        return {place: items for place, items in self.descriptions.items() if place in places}


def normalise(vectors: Floats) -> Floats:
    """Each row scaled to length 1; a zero row stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def to_bytes(gallery: Gallery) -> bytes:
    about = {
        "labels": json.dumps(gallery.labels, ensure_ascii=False),
        "descriptions": json.dumps(gallery.descriptions, ensure_ascii=False),
    }
    arrays: dict[str, np.ndarray] = {"embeddings": np.ascontiguousarray(gallery.embeddings, np.float32)}
    if gallery.phashes is not None:
        arrays["phashes"] = np.packbits(gallery.phashes, axis=1)
    return safetensors.numpy.save(arrays, about)


def from_bytes(content: bytes) -> Gallery:
    """Raises ModelLoadError (E200) when the bytes are no gallery."""
    try:
        arrays = safetensors.numpy.load(content)
        embeddings, packed = arrays["embeddings"], arrays.get("phashes")
        about = _metadata(content)
        labels = tuple((place, item) for place, item in json.loads(about["labels"]))
        descriptions = converter.structure(json.loads(about["descriptions"]), Descriptions)
    except (
        safetensors.SafetensorError, KeyError, ValueError, TypeError, cattrs.BaseValidationError
    ) as error:  # fmt: skip
        raise ModelLoadError(f"The gallery is not understood: {error}.") from error
    if embeddings.ndim != 2 or len(embeddings) != len(labels):
        raise ModelLoadError("The gallery is not understood: not every embedding has its label.")
    if not len(embeddings) or not np.isfinite(embeddings).all():
        raise ModelLoadError("The gallery is not understood: it is empty or holds no numbers.")
    if packed is not None and (packed.dtype != np.uint8 or packed.shape != (len(labels), 8)):
        raise ModelLoadError("The gallery is not understood: not every photo has its hash.")
    phashes = None if packed is None else np.unpackbits(packed, axis=1)
    return Gallery(embeddings, labels, descriptions, phashes)


def _metadata(content: bytes) -> dict[str, str]:
    # safetensors.numpy.load drops the metadata; the header is 8 bytes of length, then JSON.
    length = int.from_bytes(content[:8], "little")
    metadata: dict[str, str] = json.loads(content[8 : 8 + length])["__metadata__"]
    return metadata


@frozen
class _About:
    """The ``about.json`` of a gallery file."""

    embedding_id: str
    index: str
    index_options: dict[str, Any]
    format: int = FORMAT


@frozen(eq=False)
class GalleryFile:
    """What ``ai-lens build-index`` saves: a gallery, the model it belongs to, and a ready index over it."""

    gallery: Gallery
    embedding_id: str
    index: str
    """The index plugin that was used."""
    index_options: dict[str, Any]
    index_bytes: bytes

    def write(self, path: Path) -> None:
        about = _About(self.embedding_id, self.index, self.index_options)
        container.write(
            path,
            {
                _ABOUT: json.dumps(attrs.asdict(about), ensure_ascii=False).encode(),
                NAME: to_bytes(self.gallery),
                INDEX: self.index_bytes,
            },
        )


def read_file(path: Path) -> GalleryFile:
    """What ``ai-lens build-index`` wrote. Raises ModelLoadError (E200), DamagedArtifactError (E210)."""
    documents = container.read(path)
    if _ABOUT not in documents:
        raise ModelLoadError(f"{path} is not a gallery made by `ai-lens build-index`.")
    again = WrongGalleryError.remedy
    about = formats.structured(documents[_ABOUT], _About, FORMAT, name=_ABOUT, path=path, again=again)
    if NAME not in documents:
        raise ModelLoadError(f"{path} holds no gallery.", again)
    index_bytes = documents.get(INDEX, b"")
    return GalleryFile(
        from_bytes(documents[NAME]), about.embedding_id, about.index, about.index_options, index_bytes
    )
