"""How good is this model? Asked of photos it has not seen, before it is trained on all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from attrs import frozen

from lens_core.contracts import Floats
from lens_core.evaluation.held_out import UNKNOWN, HeldOut
from lens_core.settings import Settings
from lens_core.training.heads import Heads, Labels, fit_heads
from lens_core.training.split import Split, item_groups

LOOK_ALIKE_GROUPS = 6
Step = Callable[[], None]
"""Called whenever one more model has been fitted."""


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


def refer(features: Floats, labels: Labels, rows: Labels, settings: Settings, seed: int) -> Reference:
    """Fit heads on some rows of the data set; these rows are the gallery."""
    classes = np.unique(labels[rows])
    columns = {int(label): column for column, label in enumerate(classes)}
    compact = np.array([columns[int(label)] for label in labels[rows]], np.int64)
    heads = fit_heads(features[rows], compact, settings, seed)
    return Reference(heads, heads.embed(features[rows, 0]), labels[rows], columns)


def ask(
    reference: Reference, place_items: Labels, queries: Floats, truth: Labels, rows: Labels, kind: str
) -> HeldOut:
    """Ask Q photos (features float32[Q, F]) within the place that has these items (their class numbers)."""
    embeddings = reference.heads.embed(queries)
    of_place = np.isin(reference.labels, place_items)
    distances = np.clip(1 - embeddings @ reference.embeddings[of_place].T, 0, 2)
    nearest = reference.labels[of_place][distances.argmin(axis=1)]
    directions = reference.heads.directions[[reference.columns[int(item)] for item in place_items]]
    return HeldOut(
        kind=kind,
        cosines=np.asarray(embeddings @ directions.T, np.float32),
        distances=np.asarray(distances.min(axis=1), np.float32),
        nearest=np.searchsorted(place_items, nearest),
        truth=np.array([_position(place_items, int(label)) for label in truth], np.int64),
        rows=rows,
    )


def _position(place_items: Labels, label: int) -> int:
    found = np.flatnonzero(place_items == label)
    return int(found[0]) if len(found) else UNKNOWN


@frozen(eq=False)
class Bench:
    """The data set as proof needs it."""

    features: Floats
    """float32[N, 1 + V, F]."""
    labels: Labels
    """int64[N]: class of each photo."""
    place_of: Labels
    """int64[C]: place of each class."""
    settings: Settings

    def items_of(self, place: int, among: Labels) -> Labels:
        """The classes of a place that are among these, sorted."""
        return np.array([label for label in np.unique(among) if self.place_of[label] == place], np.int64)


def held_out_photos(bench: Bench, splits: Sequence[Split], step: Step) -> Iterator[HeldOut]:
    """Each fold's held-out photos, asked in their own place and, as unknowns, in every other place."""
    for fold, (train, held_out) in enumerate(splits):
        reference = refer(bench.features, bench.labels, train, bench.settings, bench.settings.seed + fold)
        step()
        place_of_photo = bench.place_of[bench.labels[held_out]]
        for place in np.unique(bench.place_of):
            items = bench.items_of(int(place), bench.labels[train])
            if len(items) == 0:
                continue
            own, other = held_out[place_of_photo == place], held_out[place_of_photo != place]
            for rows, kind in ((own, "exhibit"), (other, "other_place")):
                if len(rows):
                    yield ask(reference, items, bench.features[rows, 0], bench.labels[rows], rows, kind)


def look_alikes(bench: Bench, step: Step) -> Iterator[HeldOut]:
    """Each item in turn treated as unknown: left out of heads and gallery, then asked in its own place."""
    for group in look_alike_groups(bench):
        train = np.flatnonzero(~np.isin(bench.labels, group))
        if len(np.unique(bench.labels[train])) < 2:
            continue
        reference = refer(bench.features, bench.labels, train, bench.settings, bench.settings.seed)
        step()
        for item in group:
            items = bench.items_of(int(bench.place_of[item]), bench.labels[train])
            rows = np.flatnonzero(bench.labels == item)
            if len(items):
                truth = np.full(len(rows), UNKNOWN, np.int64)
                yield ask(reference, items, bench.features[rows, 0], truth, rows, "look_alike")


def look_alike_groups(bench: Bench) -> list[Labels]:
    """Which items are left out together (see :func:`lens_core.training.split.item_groups`)."""
    originals = bench.features[:, 0]
    centred = originals - originals.mean(axis=0)
    means = np.stack([centred[bench.labels == label].mean(axis=0) for label in range(len(bench.place_of))])
    return item_groups(means / np.linalg.norm(means, axis=1, keepdims=True), LOOK_ALIKE_GROUPS)
