"""How good is this model? Asked of photos it has not seen, by models trained without them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from attrs import frozen

from lens_core.artifacts.gallery import normalise
from lens_core.contracts import Floats
from lens_core.evaluation.held_out import UNKNOWN, HeldOut
from lens_core.settings import Settings
from lens_core.training.heads import Heads, Labels, fit_heads
from lens_core.training.split import Split, item_groups

LOOK_ALIKE_GROUPS = 6
Step = Callable[[], None]
"""Called whenever one more model has been fitted."""


@frozen(eq=False)
class Lesson:
    """What there is to learn from: N photos of C classes, an item of a place each."""

    features: Floats
    """float32[N, 1 + V, F]."""
    labels: Labels
    """int64[N]: class of each photo."""
    place_of: Labels
    """int64[C]: place of each class."""
    settings: Settings

    def items_of(self, place: int, rows: Labels) -> Labels:
        """The classes of a place that these photos show, sorted."""
        shown = np.unique(self.labels[rows])
        of_place: Labels = shown[self.place_of[shown] == place]
        return of_place

    @property
    def places(self) -> list[int]:
        return [int(place) for place in np.unique(self.place_of)]


@frozen(eq=False)
class Reference:
    """Fitted heads and the gallery they answer from."""

    heads: Heads
    embeddings: Floats
    """float32[N, D]."""
    labels: Labels
    """int64[N]: class of each gallery row."""
    columns: dict[int, int]
    """Class -> row of ``heads.directions``."""


@frozen(eq=False)
class Asked:
    """Photos asked within one place, and what came back."""

    place: int
    items: Labels
    """int64[K]: the classes among which the answer was sought."""
    rows: Labels
    """int64[Q]: each photo's row in the lesson, or in the list of photos that show no exhibit."""
    answers: HeldOut


def refer(lesson: Lesson, rows: Labels, seed: int) -> Reference:
    """Fit heads on some photos of the lesson; these photos are the gallery."""
    labels = lesson.labels[rows]
    columns = {int(label): column for column, label in enumerate(np.unique(labels))}
    compact = np.array([columns[int(label)] for label in labels], np.int64)
    heads = fit_heads(lesson.features[rows], compact, lesson.settings, seed)
    return Reference(heads, heads.embed(lesson.features[rows, 0]), labels, columns)


def ask(reference: Reference, items: Labels, queries: Floats, truth: Labels, kind: str) -> HeldOut:
    """Ask Q photos (features float32[Q, F]) within the place that has these items (their classes, sorted)."""
    embeddings = reference.heads.embed(queries)
    in_place = np.isin(reference.labels, items)
    distances = np.clip(1 - embeddings @ reference.embeddings[in_place].T, 0, 2)
    nearest = reference.labels[in_place][distances.argmin(axis=1)]
    directions = reference.heads.directions[[reference.columns[int(item)] for item in items]]
    return HeldOut(
        kind=kind,
        cosines=np.asarray(embeddings @ directions.T, np.float32),
        distances=np.asarray(distances.min(axis=1), np.float32),
        nearest=np.searchsorted(items, nearest),
        truth=np.where(np.isin(truth, items), np.searchsorted(items, truth), UNKNOWN),
    )


def ask_everywhere(lesson: Lesson, reference: Reference, queries: Floats) -> Iterator[Asked]:
    """Photos that show no exhibit, asked in every place."""
    unknown, rows = np.full(len(queries), UNKNOWN, np.int64), np.arange(len(queries))
    for place in lesson.places:
        items = np.flatnonzero(lesson.place_of == place)
        yield Asked(place, items, rows, ask(reference, items, queries, unknown, "ood"))


def _ask_rows(
    lesson: Lesson, reference: Reference, place: int, train: Labels, rows: Labels, kind: str
) -> list[Asked]:
    """Photos of the lesson, asked in a place; nothing where the training rows show none of its items."""
    items = lesson.items_of(place, train)
    if not len(items) or not len(rows):
        return []
    answers = ask(reference, items, lesson.features[rows, 0], lesson.labels[rows], kind)
    return [Asked(place, items, rows, answers)]


def held_out_photos(lesson: Lesson, splits: Sequence[Split], step: Step) -> Iterator[Asked]:
    """Each split's held-out photos, asked in their own place and, as unknowns, in every other place."""
    for number, (train, held_out) in enumerate(splits):
        reference = refer(lesson, train, lesson.settings.seed + number)
        step()
        home = lesson.place_of[lesson.labels[held_out]]
        for place in lesson.places:
            yield from _ask_rows(lesson, reference, place, train, held_out[home == place], "exhibit")
            yield from _ask_rows(lesson, reference, place, train, held_out[home != place], "other_place")


def look_alikes(lesson: Lesson, step: Step) -> Iterator[Asked]:
    """Each item in turn treated as unknown: left out of heads and gallery, then asked in its own place."""
    for group in look_alike_groups(lesson):
        train = np.flatnonzero(~np.isin(lesson.labels, group))
        if not len(train):
            continue
        reference = refer(lesson, train, lesson.settings.seed)
        step()
        for item in group:
            rows = np.flatnonzero(lesson.labels == item)
            yield from _ask_rows(lesson, reference, int(lesson.place_of[item]), train, rows, "look_alike")


def look_alike_groups(lesson: Lesson) -> list[Labels]:
    """Which items are left out together (see :func:`lens_core.training.split.item_groups`)."""
    centred = lesson.features[:, 0] - lesson.features[:, 0].mean(axis=0)
    classes = range(len(lesson.place_of))
    means = np.stack([centred[lesson.labels == label].mean(axis=0) for label in classes])
    return item_groups(normalise(means), LOOK_ALIKE_GROUPS)
