"""Ways to make a model from some photos of a lesson; whoever asks it need not know which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import attrs
import numpy as np
from attrs import frozen

from lens_core.contracts import Floats, Photo
from lens_core.evaluation.asked import PlaceModel
from lens_core.photos.layout import Dataset
from lens_core.photos.strays import StrayPhoto
from lens_core.progress import Stage
from lens_core.settings import Settings
from lens_core.training.features import compute
from lens_core.training.finetune import finetune, keep_photos
from lens_core.training.heads import Heads, Labels, fit_heads
from lens_core.training.lesson import Lesson
from lens_core.training.network import LensNet, make_backbone


@frozen(eq=False)
class Fitted:
    """A model that learned from some photos of a lesson, and what it makes of all of them."""

    heads: Heads
    train: Labels
    """Rows of the lesson it learned from; they are its gallery."""
    columns: dict[tuple[str, str], int]
    """Class -> row of ``heads.directions``."""
    embeddings: Floats
    """float32[N, D]: of every photo of the lesson."""
    strays: Floats
    """float32[S, D]."""

    def place_model(self, lesson: Lesson, place: str) -> PlaceModel | None:
        """What the place is answered from; None where the model learned of none of its items."""
        rows = self.train[lesson.homes[self.train] == place]
        if not len(rows):
            return None
        directions = {
            item: self.heads.directions[column]
            for (where, item), column in self.columns.items()
            if where == place
        }
        return PlaceModel.of(place, self.embeddings[rows], lesson.items[rows].tolist(), directions)


class Recipe(Protocol):
    """A way to make a model from some rows of a lesson."""

    def __call__(self, lesson: Lesson, rows: Labels, seed: int) -> Fitted: ...


def fit_on_features(lesson: Lesson, rows: Labels, seed: int) -> Fitted:
    """The recipe of a frozen backbone: its features are there already, only heads are fitted."""
    labels = lesson.labels[rows]
    numbers = np.unique(labels)
    heads = fit_heads(lesson.features[rows], np.searchsorted(numbers, labels), lesson.settings, seed)
    columns = {lesson.classes[number]: column for column, number in enumerate(numbers)}
    strays = heads.embed(lesson.strays.features) if lesson.strays else np.empty((0, 0), np.float32)
    return Fitted(heads, rows, columns, heads.embed(lesson.features[:, 0]), strays)


class Finetuning:
    """The recipe of a network that learns too: for each model it is trained anew on that model's photos."""

    def __init__(
        self, dataset: Dataset, strays: Sequence[StrayPhoto], settings: Settings, stage: Stage
    ) -> None:
        self.settings, self.stage = settings, stage
        self.paths = [photo.path for photo in dataset.photos]
        self.strays = {stray.name: stray.path for stray in strays}
        self.kept: list[Photo] = []

    def __call__(self, lesson: Lesson, rows: Labels, seed: int) -> Fitted:
        settings = attrs.evolve(self.settings, seed=seed)
        net = LensNet(make_backbone(settings), settings.embedding_dim, 1)
        self.kept = self.kept or keep_photos(self.paths, net.preprocess, self.stage("Reading the photos"))
        labels = np.searchsorted(np.unique(lesson.labels[rows]), lesson.labels[rows])
        shown = [self.kept[row] for row in rows]
        with TemporaryDirectory() as folder:
            finetune(net, shown, labels, settings, Path(folder) / "state", self.stage("Fine-tuning"))
        return fit_on_features(self._seen_by(net, lesson), rows, seed)

    def _seen_by(self, net: LensNet, lesson: Lesson) -> Lesson:
        """The lesson, with this network's features."""
        augment = self.settings.augment
        features = compute(self.paths, net, augment=augment).values
        if not lesson.strays:
            return attrs.evolve(lesson, features=features)
        paths = [self.strays[name] for name in lesson.strays.photos.tolist()]
        strays = compute(paths, net, augment=augment, views=0).values[:, 0]
        return attrs.evolve(lesson, features=features, strays=attrs.evolve(lesson.strays, features=strays))
