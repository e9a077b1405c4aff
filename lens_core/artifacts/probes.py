"""A few real photos that travel inside a checkpoint, so that an export can be checked wherever it is made."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from attrs import frozen
from PIL import Image

from lens_core.contracts import Documents
from lens_core.photos.decode import decode
from lens_core.photos.layout import Dataset, PhotoFile

LIST = "probes.json"
_FOLDER = "probes/"
EXHIBITS = 48
STRAYS = 4
"""Photos that show no exhibit."""
LONG_SIDE = 512
"""Pixels; larger ones would make the checkpoint heavy and the check no better."""


@frozen
class Probe:
    """One photo, encoded, and the place to ask it in."""

    place: str
    encoded: bytes


def take(dataset: Dataset, ood: Sequence[Path]) -> dict[str, bytes]:
    """The documents that hold these photos: some of every item, without EXIF or file names."""
    chosen = [(photo.place, photo.path) for photo in evenly(dataset.photos, EXHIBITS)]
    chosen += [(dataset.places[0], path) for path in ood[:STRAYS]]
    names = [f"{_FOLDER}{number:02}.jpg" for number in range(len(chosen))]
    listed = [{"place": place, "photo": name} for name, (place, _) in zip(names, chosen, strict=True)]
    photos = {name: _encoded(path) for name, (_, path) in zip(names, chosen, strict=True)}
    return {LIST: json.dumps(listed, ensure_ascii=False).encode(), **photos}


def evenly(photos: Sequence[PhotoFile], count: int) -> list[PhotoFile]:
    """At most ``count`` photos, from every place in turn, and there from every item in turn."""
    by_place: dict[str, dict[str, list[PhotoFile]]] = {}
    for photo in photos:
        by_place.setdefault(photo.place, {}).setdefault(photo.item, []).append(photo)
    places = [_in_turn(list(items.values())) for items in by_place.values()]
    return _in_turn(places)[:count]


def _in_turn(queues: Sequence[Sequence[PhotoFile]]) -> list[PhotoFile]:
    """The first of every queue, then the second of every queue, and so on."""
    return [photo for one_of_each in zip_longest(*queues) for photo in one_of_each if photo is not None]


def read(documents: Documents) -> list[Probe]:
    """The photos in a checkpoint's documents; none where it carries none."""
    listed = json.loads(documents.get(LIST, b"[]"))
    return [Probe(entry["place"], documents[entry["photo"]]) for entry in listed]


def without(documents: Documents) -> Mapping[str, bytes]:
    """What an export carries on: everything but the photos."""
    return {
        name: content for name, content in documents.items() if name != LIST and not name.startswith(_FOLDER)
    }


def _encoded(path: Path) -> bytes:
    image = Image.fromarray(decode(path).pixels)
    image.thumbnail((LONG_SIDE, LONG_SIDE))
    content = io.BytesIO()
    image.save(content, "JPEG", quality=90)
    return content.getvalue()
