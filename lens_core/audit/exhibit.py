"""The photos that show what a remark means."""

from __future__ import annotations

from itertools import groupby

from attrs import frozen

from lens_core.audit.page_words import KINDS, WORDS, counted, in_language
from lens_core.audit.remarks import Audit, Remark
from lens_core.photos.layout import Dataset

_OWN_WORDS = ("E120", "E121", "E122", "checker", "how_read")
"""Checks whose remarks each say something else; the others say what the advice of their kind says."""


@frozen
class Side:
    """Photos that belong together, by their paths inside the data folder."""

    photos: tuple[str, ...]
    path: str = ""
    """Of the photo or item they show, where that must be said beside them."""
    label: str = ""


@frozen
class Exhibit:
    """One thing found."""

    paths: tuple[str, ...]
    """What it is about: a photo, an item, or two of them."""
    sides: tuple[Side, ...]
    text: str
    text_lang: str

    @property
    def photos(self) -> int:
        return sum(len(side.photos) for side in self.sides)


@frozen
class Illustrator:
    """Makes exhibits of remarks."""

    lang: str
    item_of: dict[str, str]
    """By photo."""
    photos_of: dict[str, list[str]]
    """By item: the photos that are beyond doubt, or all that can be read where none is."""
    unreadable: frozenset[str]
    pairs: dict[tuple[str, str], str]
    """The kind of each pair of photos that show the same."""

    @classmethod
    def of(cls, found: Audit, dataset: Dataset, lang: str) -> Illustrator:
        item_of = {dataset.inside(photo): f"{photo.place}/{photo.item}" for photo in dataset.photos}
        unreadable = frozenset(remark.path for remark in found.of_level("error") if remark.path in item_of)
        doubtful = {remark.path for remark in found.of_level("warning")}
        photos_of: dict[str, list[str]] = {}
        for item, photos in groupby(item_of, item_of.__getitem__):
            readable = [photo for photo in photos if photo not in unreadable]
            photos_of[item] = [photo for photo in readable if photo not in doubtful] or readable
        pairs = {(pair.first, pair.second): pair.kind for pair in found.pairs}
        return cls(lang, item_of, photos_of, unreadable, pairs)

    def exhibit(self, remark: Remark) -> Exhibit:
        paths = tuple(filter(None, (remark.path, remark.other)))
        sides = () if remark.path in self.unreadable else self._sides(remark.path, remark.other)
        return Exhibit(paths, tuple(side for side in sides if side.photos), *self._text(remark))

    def _sides(self, path: str, other: str) -> tuple[Side, ...]:
        if path in self.item_of:
            if other in self.item_of:
                return Side((path,), path), Side((other,), other)
            return self._beside_items(path, other) if other in self.photos_of else (Side((path,)),)
        if path not in self.photos_of:
            return ()
        if other in self.photos_of:
            return Side(self._of_item(path, 3), path), Side(self._of_item(other, 3), other)
        return (Side(self._of_item(path, 4)),)

    def _beside_items(self, photo: str, other: str) -> tuple[Side, ...]:
        """A photo beside its own item and beside the one that it looks like."""
        words = WORDS[self.lang]
        own = tuple(one for one in self._of_item(self.item_of[photo], 3) if one != photo)[:2]
        return (
            Side((photo,), "", words["photo"]),
            Side(own, "", words["same_item"]),
            Side(self._of_item(other, 2), other, words["other_item"]),
        )

    def _of_item(self, item: str, most: int) -> tuple[str, ...]:
        """Spread over the item's photos."""
        photos = self.photos_of[item]
        step = max(len(photos) / most, 1)
        return tuple(photos[int(number * step)] for number in range(min(most, len(photos))))

    def _text(self, remark: Remark) -> tuple[str, str]:
        """What the remark says beyond the advice of its kind, and the language of that."""
        two = remark.path, remark.other
        if two in self.pairs:
            return WORDS[self.lang][self.pairs[two]], self.lang
        if remark.check == "too_few":
            photos = sum(item == remark.path for item in self.item_of.values())
            return counted("photos", photos, self.lang), self.lang
        if remark.finding and (remark.finding.where or remark.check not in KINDS):
            hints = dict(remark.finding.hints)
            return in_language(hints, self.lang), self.lang if self.lang in hints else "en"
        if remark.check in _OWN_WORDS or remark.check not in KINDS:
            return remark.text.removeprefix(remark.path).strip(), "en"
        return "", self.lang
