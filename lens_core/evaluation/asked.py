"""Photos asked within a place, and what a model that never learned from them made of each."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from lens_core.artifacts.gallery import normalise
from lens_core.contracts import Floats, Rows
from lens_core.decision.scores import NEIGHBOURS, Mahalanobis

UNKNOWN = -1
"""The truth of a photo that shows none of the place's items."""
EXHIBIT = "exhibit"
UNKNOWN_KINDS = ("look_alike", "untrained", "other_place", "ood")
"""Sorts of photos to be refused, the hardest first. ``look_alike``: each item in turn treated as unknown.
``untrained``: exhibits of the place that the model was never shown. ``other_place``: other places' items.
``ood``: photos that show no exhibit."""

Names = NDArray[np.str_]


@frozen(eq=False)
class Questions:
    """Q photos and what they show."""

    kind: str
    """``exhibit`` or one of UNKNOWN_KINDS."""
    photos: Names
    """str[Q]: inside the data folder: ``A/ㄱ/img_001.jpg``."""
    shots: Rows
    """int64[Q]: near-duplicate photos share a number, and nothing else does."""
    items: Names
    """str[Q]: the item of the place that each shows; empty where it shows none of them."""


@frozen(eq=False)
class Asked:
    """The questions, asked within one place of K items, and the evidence found for each."""

    place: str
    items: tuple[str, ...]
    """K, sorted."""
    questions: Questions
    cosines: Floats
    """float32[Q, K]: to the direction of each item."""
    distances: Floats
    """float32[Q]: ``d_top1``."""
    nearest: Rows
    """int64[Q]: which of the K items the nearest reference photo shows."""
    neighbours: Floats
    """float32[Q, k]: cosines to the nearest reference photos, nearest first."""
    mahalanobis: Floats
    """float32[Q]: see :class:`lens_core.decision.scores.Mahalanobis`."""
    average_precision: Floats
    """float32[Q]: of the place's reference photos, ranked by their nearness; nan where none is right."""

    def only(self, rows: NDArray[np.bool_]) -> Asked:
        """Some of the questions."""
        questions = self.questions
        return attrs.evolve(
            self,
            questions=Questions(
                questions.kind, questions.photos[rows], questions.shots[rows], questions.items[rows]
            ),
            **{name: getattr(self, name)[rows] for name in _EVIDENCE},
        )

    @property
    def truth(self) -> Rows:
        """int64[Q]: which of the K items it is, or UNKNOWN."""
        numbers = {item: number for number, item in enumerate(self.items)}
        return np.array([numbers.get(item, UNKNOWN) for item in self.questions.items], np.int64)


_EVIDENCE = ("cosines", "distances", "nearest", "neighbours", "mahalanobis", "average_precision")


@frozen(eq=False)
class PlaceModel:
    """What one place is answered from."""

    place: str
    items: tuple[str, ...]
    """K, sorted."""
    gallery: Floats
    """float32[N, D]: embeddings of the reference photos."""
    labels: Rows
    """int64[N]: which of the K items each shows."""
    directions: Floats
    """float32[K, D]: what the classifier compares with."""
    mahalanobis: Mahalanobis

    @classmethod
    def of(
        cls, place: str, gallery: Floats, items: Sequence[str], directions: dict[str, Floats] | None = None
    ) -> PlaceModel:
        """From the reference photos' embeddings and the item of each.

        An item without a direction of its own is compared with the mean of its reference photos.
        """
        names = sorted(set(items))
        numbers = {item: number for number, item in enumerate(names)}
        labels = np.array([numbers[item] for item in items], np.int64)
        means = normalise(np.stack([gallery[labels == row].mean(axis=0) for row in range(len(names))]))
        for item, direction in (directions or {}).items():
            if item in numbers:
                means[numbers[item]] = direction
        return cls(place, tuple(names), gallery, labels, means, Mahalanobis.of(gallery, labels))

    def ask(self, questions: Questions, embeddings: Floats, cosines: Floats | None = None) -> Asked:
        """``embeddings`` float32[Q, D]; ``cosines`` float32[Q, K] where a network answered them itself."""
        similar = np.asarray(embeddings @ self.gallery.T, np.float32).clip(-1, 1)
        ranked = -np.sort(-similar, axis=1)[:, :NEIGHBOURS]
        return Asked(
            self.place,
            self.items,
            questions,
            np.asarray(embeddings @ self.directions.T, np.float32) if cosines is None else cosines,
            1 - ranked[:, 0],
            self.labels[similar.argmax(axis=1)],
            ranked,
            self.mahalanobis(embeddings).astype(np.float32),
            self._average_precisions(questions.items, similar),
        )

    def _average_precisions(self, items: Names, similar: Floats) -> Floats:
        relevant = items[:, None] == np.array(self.items)[self.labels]
        return np.array(
            [
                average_precision_score(right, row) if right.any() else np.nan
                for right, row in zip(relevant, similar, strict=True)
            ],
            np.float32,
        )
