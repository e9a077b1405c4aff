"""How good is this model? Asked of photos it has not seen, by models trained without them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from lens_core.artifacts.gallery import normalise
from lens_core.contracts import Floats
from lens_core.evaluation.asked import EXHIBIT, Asked, PlaceModel, Questions
from lens_core.training.lesson import Lesson
from lens_core.training.recipes import Fitted, Recipe
from lens_core.training.split import Labels, Split, folds, item_groups

LOOK_ALIKE_GROUPS = 6
Step = Callable[[], None]
"""Called whenever one more model has been fitted."""


def ask_all(
    lesson: Lesson, splits: Sequence[Split], recipe: Recipe, step: Step, seen: Labels | None = None
) -> tuple[Fitted, list[Asked]]:
    """The model of all photos, and every question that can be put to models made without the photo asked.

    ``seen``: rows of photos that the network itself has learned from; see :func:`look_alikes`.
    """
    fitted = recipe(lesson, np.arange(len(lesson.labels)), lesson.settings.seed)
    step()
    asked = [
        *held_out_photos(lesson, splits, recipe, step),
        *look_alikes(lesson, recipe, step, seen),
        *strays_everywhere(lesson, fitted),
    ]
    return fitted, asked


def fit_count(lesson: Lesson, splits: Sequence[Split], seen: Labels | None = None) -> int:
    """How many models :func:`ask_all` makes."""
    return 1 + len(splits) + len(look_alike_groups(lesson, seen))


def held_out_photos(lesson: Lesson, splits: Sequence[Split], recipe: Recipe, step: Step) -> Iterator[Asked]:
    """Each split's held-out photos, asked in their own place and, as unknowns, in every other place."""
    for number, (train, held_out) in enumerate(splits):
        fitted = recipe(lesson, train, lesson.settings.seed + number)
        step()
        for place in lesson.places:
            if model := fitted.place_model(lesson, place):
                yield from _at_home_and_away(lesson, fitted.embeddings, model, held_out)


def look_alikes(lesson: Lesson, recipe: Recipe, step: Step, seen: Labels | None = None) -> Iterator[Asked]:
    """Items treated as unknown: left out of heads and gallery, then asked in their own place.

    Of a network that has itself learned from photos, the ``seen`` rows, these are the items that it never
    saw; where it saw all, each in turn, asked about by photos that it did not see. That is easier than it
    should be.
    """
    for group in look_alike_groups(lesson, seen):
        train = np.flatnonzero(~np.isin(lesson.labels, group))
        if not len(train):
            continue
        fitted = recipe(lesson, train, lesson.settings.seed)
        step()
        for number in group:
            rows = np.setdiff1d(np.flatnonzero(lesson.labels == number), () if seen is None else seen)
            model = fitted.place_model(lesson, lesson.classes[number][0])
            if model and len(rows):
                yield model.ask(_questions(lesson, rows, "look_alike"), fitted.embeddings[rows])


def strays_everywhere(lesson: Lesson, fitted: Fitted) -> Iterator[Asked]:
    """Photos that show no exhibit, asked in every place; untrained exhibits, asked in their own."""
    for place in lesson.places:
        if model := fitted.place_model(lesson, place):
            yield from _strays(lesson, fitted, model)


def held_out_place(
    lesson: Lesson, place: str, fold_count: int, recipe: Recipe, step: Step
) -> Iterator[Asked]:
    """A place that the model never saw, answered from its gallery alone.

    The gallery holds a part of its photos, as if a curator had enrolled them; the others are asked. Each of
    its items in turn is also left out of the gallery and asked as a look-alike. A part of the other places'
    photos is not learned from either, so that they can be asked here.
    """
    seed, inside = lesson.settings.seed, np.flatnonzero(lesson.homes == place)
    outside = np.flatnonzero(lesson.homes != place)
    parts = folds(lesson.labels[outside], lesson.shots[outside], fold_count, seed)
    learned, others = next(parts, (np.arange(len(outside)), np.empty(0, np.int64)))
    fitted = recipe(lesson, outside[learned], seed)
    step()

    def gallery_of(rows: Labels) -> PlaceModel:
        items = np.tile(lesson.items[rows], 1 + fitted.views.shape[1])
        return PlaceModel.of(place, fitted.gallery(rows), items.tolist())

    for train, held_out in folds(lesson.labels[inside], lesson.shots[inside], fold_count, seed):
        rows = inside[held_out]
        yield gallery_of(inside[train]).ask(_questions(lesson, rows, EXHIBIT), fitted.embeddings[rows])
    whole = gallery_of(inside)
    if len(others):
        away = outside[others]
        yield whole.ask(_questions(lesson, away, "other_place"), fitted.embeddings[away])
    yield from _strays(lesson, fitted, whole)
    for number in np.unique(lesson.labels[inside]):
        rows, rest = inside[lesson.labels[inside] == number], inside[lesson.labels[inside] != number]
        if len(rest):
            yield gallery_of(rest).ask(_questions(lesson, rows, "look_alike"), fitted.embeddings[rows])


def _at_home_and_away(lesson: Lesson, embeddings: Floats, model: PlaceModel, rows: Labels) -> Iterator[Asked]:
    at_home = lesson.homes[rows] == model.place
    for kind, part in ((EXHIBIT, rows[at_home]), ("other_place", rows[~at_home])):
        if len(part):
            yield model.ask(_questions(lesson, part, kind), embeddings[part])


def _questions(lesson: Lesson, rows: Labels, kind: str) -> Questions:
    items = lesson.items[rows] if kind == EXHIBIT else np.full(len(rows), "")
    return Questions(kind, lesson.photos[rows], lesson.shots[rows], items)


def _strays(lesson: Lesson, fitted: Fitted, model: PlaceModel) -> Iterator[Asked]:
    if strays := lesson.strays:
        for kind, home in (("untrained", model.place), ("ood", "")):
            rows = np.flatnonzero(strays.homes == home)
            questions = Questions(kind, strays.photos[rows], strays.shots[rows], np.full(len(rows), ""))
            if len(rows):
                yield model.ask(questions, fitted.strays[rows])


def look_alike_groups(lesson: Lesson, seen: Labels | None = None) -> list[Labels]:
    """Which items are left out together (see :func:`lens_core.training.split.item_groups`)."""
    if seen is not None:
        never = np.setdiff1d(lesson.labels, lesson.labels[seen])
        if len(never):
            return [never]
    centred = lesson.features[:, 0] - lesson.features[:, 0].mean(axis=0)
    classes = range(len(lesson.classes))
    means = np.stack([centred[lesson.labels == label].mean(axis=0) for label in classes])
    return item_groups(normalise(means), LOOK_ALIKE_GROUPS)
