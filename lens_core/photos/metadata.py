"""``data/metadata.json``: what a museum says about its photos, and what visitors may read about an exhibit.

Every level may say ``device``, ``date`` and ``description``; what a level does not say, the one above does::

    {"device": "Pixel 8", "date": "2025-10-16",
     "places": {"A": {"items": {"ㄱ": {
        "description": {"ko": "청자 참외모양 병", "en": "Melon-shaped celadon bottle"},
        "photos": {"img_001.jpg": {"device": "EOS R6"}}}}}}}
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import cattrs
from attrs import field, frozen
from attrs.validators import optional

from lens_core.artifacts.gallery import Descriptions
from lens_core.errors import MetadataError
from lens_core.photos.layout import Dataset, PhotoFile, nfc
from lens_core.structure import converter, explain

NAME = "metadata.json"
_converter = converter.copy(forbid_extra_keys=True)


def _is_date(_: object, __: object, text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"expected a date such as 2025-10-16, got {text!r}") from error


@frozen
class Details:
    """What can be said of one photo, and of all below an item, a place or the whole folder."""

    device: str | None = None
    """The camera or phone."""
    date: str | None = field(default=None, validator=optional(_is_date))
    """The day, ISO 8601."""
    description: dict[str, str] = field(factory=dict)
    """Text by language: ``{"ko": ..., "en": ...}``; any language tag."""


@frozen
class ItemDetails(Details):
    photos: dict[str, Details] = field(factory=dict)
    """By file name."""


@frozen
class PlaceDetails(Details):
    items: dict[str, ItemDetails] = field(factory=dict)


@frozen
class Metadata(Details):
    """The whole file; without one, nothing is said."""

    places: dict[str, PlaceDetails] = field(factory=dict)

    def of(self, photo: PhotoFile) -> Details:
        """All that is said of a photo, by the level nearest to it."""
        place = self.places.get(photo.place, PlaceDetails())
        item = place.items.get(photo.item, ItemDetails())
        levels = (item.photos.get(nfc(photo.path.name), Details()), item, place, self)
        return Details(
            next((level.device for level in levels if level.device), None),
            next((level.date for level in levels if level.date), None),
            next((level.description for level in levels if level.description), {}),
        )

    def descriptions(self) -> Descriptions:
        """What visitors may read about each item."""
        return {
            place: {name: item.description for name, item in details.items.items() if item.description}
            for place, details in self.places.items()
        }

    def unmatched(self, dataset: Dataset) -> list[str]:
        """The places, items and photos it speaks of that are not there: ``A/ㄱ/img_9.jpg``."""
        photos = (*dataset.photos, *dataset.left_out)
        there = {photo.place for photo in photos}
        there |= {f"{photo.place}/{photo.item}" for photo in photos}
        there |= {f"{photo.place}/{photo.item}/{nfc(photo.path.name)}" for photo in photos}
        return [name for name in self._names() if name not in there]

    def _names(self) -> Iterator[str]:
        for place, details in self.places.items():
            yield place
            for item, more in details.items.items():
                yield f"{place}/{item}"
                yield from (f"{place}/{item}/{photo}" for photo in more.photos)


def read(root: Path) -> Metadata:
    """The metadata of a data folder. Raises MetadataError (E140) saying what is not understood, and where."""
    path = root / NAME
    if not path.exists():
        return Metadata()
    try:
        stored = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_once)
        return _converter.structure(stored, Metadata)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise MetadataError(f"{path} cannot be read: {error}.") from error
    except AttributeError as error:  # how cattrs says that it got a list
        raise MetadataError(f"{path} is not understood: a list stands where names should.") from error
    except (ValueError, TypeError, cattrs.BaseValidationError) as error:
        raise MetadataError(f"{path} is not understood: {explain(error)}.") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object with names in one spelling; a key that stands twice would silently win over the first."""
    members = {nfc(key): value for key, value in pairs}
    if len(members) < len(pairs):
        keys = [nfc(key) for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"'{twice}' stands there twice")
    return members
