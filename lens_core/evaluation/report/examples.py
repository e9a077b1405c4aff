"""Which photos a curator should look at: weak items, confused pairs, the worst mistakes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from attrs import frozen

from lens_core.evaluation.answers import Answers
from lens_core.evaluation.evaluation import Evaluation
from lens_core.evaluation.examined import ItemFigures

WEAK = 0.8
"""Recall below which an item should be looked at."""
_MOST = 8
_PHOTOS = 3
Key = tuple[str, str]
"""(place, item)."""


@frozen
class WeakItem:
    """An item that is often not recognised."""

    figures: ItemFigures
    photo: str
    """Of the item."""
    other: str | None
    """A photo of the item that it is taken for."""
    readiness: int | None


@frozen
class ConfusedPair:
    """Two items of one place that are taken for each other."""

    place: str
    items: tuple[str, str]
    photos: int
    references: tuple[str, str]
    """A photo of each."""
    mistaken: tuple[tuple[str, str], ...]
    """(photo, the item it shows) of some that were."""


@frozen
class Mistake:
    """A question that was answered wrongly."""

    kind: str
    place: str
    photo: str
    shows: str | None
    """Item; None of photos that show no exhibit of the data folder."""
    answered: str
    sure: float
    """What T was compared with."""
    other: str | None
    """A photo of the item that was answered."""


@frozen(eq=False)
class Gallery:
    """A photo for each item, one that is recognised where there is one."""

    photo_of: dict[Key, str]

    @classmethod
    def of(cls, answers: Answers) -> Gallery:
        table = answers.judged
        found: dict[Key, str] = {}
        order = np.argsort(~table.best_right, kind="stable")
        for row in order[table.exhibits[order]].tolist():
            found.setdefault((str(table.place[row]), str(table.item[row])), str(table.photo[row]))
        return cls(found)

    def get(self, place: str, item: str | None) -> str | None:
        return self.photo_of.get((place, item)) if item else None


def weak_items(found: Evaluation, gallery: Gallery) -> list[WeakItem]:
    """The least recognised first."""
    readiness = {(item.place, item.item): item.readiness for item in found.audit.items}
    weak = sorted((one for one in found.main.items if one.recall < WEAK), key=lambda one: one.recall)
    return [
        WeakItem(
            one,
            gallery.photo_of[one.place, one.item],
            gallery.get(one.place, one.taken_for),
            readiness.get((one.place, one.item)),
        )
        for one in weak
    ]


def confused_pairs(answers: Answers, gallery: Gallery) -> list[ConfusedPair]:
    """The most often confused first."""
    table = answers.judged
    wrong: defaultdict[tuple[str, str, str], list[tuple[str, str]]] = defaultdict(list)
    for row in np.flatnonzero(table.exhibits & ~table.best_right).tolist():
        first, second = sorted((str(table.item[row]), str(table.best_item[row])))
        wrong[str(table.place[row]), first, second].append((str(table.photo[row]), str(table.item[row])))
    pairs = sorted(wrong.items(), key=lambda entry: -len(entry[1]))
    return [
        ConfusedPair(place, (first, second), len(photos), references, tuple(photos[:_PHOTOS]))
        for (place, first, second), photos in pairs[:_MOST]
        if (references := _both(gallery, place, first, second))
    ]


def _both(gallery: Gallery, place: str, first: str, second: str) -> tuple[str, str] | None:
    one, other = gallery.get(place, first), gallery.get(place, second)
    return (one, other) if one and other else None


def mistakes(answers: Answers, gallery: Gallery) -> dict[str, list[Mistake]]:
    """By kind, the surest first: exhibits answered wrongly, and photos that got through."""
    table = answers.judged
    wrong = answers.accepted & ~answers.right
    kinds = {"exhibit": table.exhibits, **table.unknown_kinds}
    found = {name: list(_surest(answers, wrong & flags, gallery)) for name, flags in kinds.items()}
    return {name: those for name, those in found.items() if those}


def _surest(answers: Answers, rows: np.ndarray, gallery: Gallery) -> Iterator[Mistake]:
    table = answers.judged
    numbers = np.flatnonzero(rows)
    seen: set[str] = set()
    for row in numbers[np.argsort(-table.score[numbers], kind="stable")].tolist():
        photo, place, selected = str(table.photo[row]), str(table.place[row]), str(answers.selected[row])
        if photo in seen or len(seen) == _MOST:
            continue
        seen.add(photo)
        yield Mistake(
            str(table.kind[row]), place, photo, _shown(str(table.kind[row]), photo), selected,
            float(table.score[row]), gallery.get(place, selected),
        )  # fmt: skip


def _shown(kind: str, photo: str) -> str | None:
    """Photos of the data folder lie as ``place/item/photo``."""
    return photo.split("/")[1] if kind in ("exhibit", "look_alike", "other_place") else None
