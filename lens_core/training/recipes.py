"""Ways to make a model from some photos of a lesson; whoever asks it need not know which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import attrs
import numpy as np
from attrs import field, frozen

from lens_core.contracts import Floats, Photo
from lens_core.evaluation.asked import PlaceModel
from lens_core.photos.layout import Dataset
from lens_core.photos.strays import StrayPhoto
from lens_core.progress import Stage
from lens_core.settings import Settings
from lens_core.training.cost import at_size
from lens_core.training.features import compute
from lens_core.training.finetune import Taught, finetune
from lens_core.training.heads import Heads, fit_heads
from lens_core.training.lesson import Lesson
from lens_core.training.network import LensNet, make_backbone
from lens_core.training.split import Labels
from lens_core.training.views import keep_photos, some


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
    views: Floats = field(factory=lambda: np.empty((0, 0, 0), np.float32))
    """float32[N, V, D]: of changed views of it, which its gallery holds too."""

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
        gallery, items = self.gallery(rows), np.tile(lesson.items[rows], 1 + self.views.shape[1])
        return PlaceModel.of(place, gallery, items.tolist(), directions)

    def gallery(self, rows: Labels) -> Floats:
        """float32[R * (1 + V), D]: the rows' photos, then the first view of each, and so on."""
        if not self.views.size:
            return self.embeddings[rows]
        return np.concatenate([self.embeddings[rows], *self.views[rows].swapaxes(0, 1)])


class Recipe(Protocol):
    """A way to make a model from some rows of a lesson."""

    def __call__(self, lesson: Lesson, rows: Labels, seed: int) -> Fitted: ...


def fit_on_features(lesson: Lesson, rows: Labels, seed: int) -> Fitted:
    """The recipe of a frozen backbone: its features are there already, only heads are fitted."""
    labels = lesson.labels[rows]
    numbers = np.unique(labels)
    heads = fit_heads(lesson.features[rows], np.searchsorted(numbers, labels), lesson.settings, seed)
    columns = {lesson.classes[number]: column for column, number in enumerate(numbers)}
    return _fitted(lesson, rows, heads, columns)


@frozen(eq=False)
class AsItLearned:
    """The recipe of a network that keeps the heads it learned with: what it is not to know is left out."""

    heads: Heads
    """Row c of its directions is class c of the lesson."""

    def __call__(self, lesson: Lesson, rows: Labels, seed: int) -> Fitted:
        columns = {lesson.classes[number]: int(number) for number in np.unique(lesson.labels[rows])}
        return _fitted(lesson, rows, self.heads, columns)


def _fitted(lesson: Lesson, rows: Labels, heads: Heads, columns: dict[tuple[str, str], int]) -> Fitted:
    count, features = lesson.settings.gallery_views, lesson.features
    strays = heads.embed(lesson.strays.features) if lesson.strays else np.empty((0, 0), np.float32)
    embeddings = heads.embed(features[:, 0])
    views = np.stack(
        [heads.embed(features[:, number]) for number in range(count + 1)], axis=1, dtype=np.float32
    )[:, 1:]
    return Fitted(heads, rows, columns, embeddings, strays, views)


class FitByFinetuning:
    """The recipe of a network that learns too: for each model it is trained anew on that model's photos.

    ``settings`` are those of a :class:`lens_core.training.cost.Plan`.
    """

    def __init__(
        self, dataset: Dataset, strays: Sequence[StrayPhoto], settings: Settings, stage: Stage
    ) -> None:
        self.settings, self.stage = settings, stage
        self.paths = [photo.path for photo in dataset.photos]
        self.strays = {stray.name: stray.path for stray in strays}
        self.kept: Sequence[Photo] = []

    def __call__(self, lesson: Lesson, rows: Labels, seed: int) -> Fitted:
        net = LensNet(make_backbone(self.settings), self.settings.embedding_dim, 1)
        settings = attrs.evolve(self.settings, seed=seed)
        size = at_size(net.preprocess, settings.train_size)
        self.kept = self.kept or keep_photos(self.paths, size, self.stage("Reading the photos"))
        numbers = np.unique(lesson.labels[rows])
        taught = Taught(
            some(self.kept, rows.tolist()), np.searchsorted(numbers, lesson.labels[rows]), len(numbers)
        )
        with TemporaryDirectory() as folder:
            tuned = finetune(net, taught, settings, Path(folder), progress=self.stage("Fine-tuning"))
        tuned.wish.obey()
        net.load_state_dict(tuned.chosen.net.state_dict())
        net.eval()
        return fit_on_features(self._seen_by(net, lesson), rows, seed)

    def _seen_by(self, net: LensNet, lesson: Lesson) -> Lesson:
        """The lesson, with this network's features."""
        augment = self.settings.augment
        views = lesson.features.shape[1] - 1
        features = compute(self.paths, net, augment=augment, views=views, keep=False).values
        if not lesson.strays:
            return attrs.evolve(lesson, features=features)
        paths = [self.strays[name] for name in lesson.strays.photos.tolist()]
        strays = compute(paths, net, augment=augment, views=0, keep=False).values[:, 0]
        return attrs.evolve(lesson, features=features, strays=attrs.evolve(lesson.strays, features=strays))
