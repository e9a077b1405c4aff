"""How accuracy is measured here: photos of 42 exhibits in 3 museums.

Split: 80/20 per item, seeds 0-9. A photo is asked within one place. Top-1 and top-3 are over the test photos
asked in their own place; each AUROC separates those from photos that show none of the place's items:

- untrained: other exhibits of the same museum, asked in that museum (the hard and honest kind);
- other places: test photos of the other museums' items, asked here;
- all: both of these, and walls, floors, people, rooms, signs and objects asked in every place.

FPR@95: the share of untrained exhibits' photos accepted when 95 % of the test photos are. A nearest neighbour
is scored by the cosine to that training photo; other answers by the probability of the best item, under the
calibration that is used where there is nothing to calibrate on. Nothing sees test photos but the score.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared import MUSEUMS, WEIGHTS

from lens_core.contracts import Floats
from lens_core.decision.calibration import probabilities
from lens_core.decision.scores import Numbers
from lens_core.evaluation.asked import Asked, Names, Questions
from lens_core.evaluation.calibrating import USUAL
from lens_core.evaluation.judged import Flags, Judged
from lens_core.evaluation.metrics import auroc
from lens_core.photos.layout import Dataset, list_photos, nfc, scan
from lens_core.progress import Stage
from lens_core.settings import Settings
from lens_core.training.features import Features, compute
from lens_core.training.lesson import Lesson, duplicate_groups, labels_of
from lens_core.training.network import LensNet, make_backbone
from lens_core.training.recipes import Fitted
from lens_core.training.split import Labels

SEEDS = range(10)
SETTINGS = Settings(backbone="mobilenetv2", weights=str(WEIGHTS))
MEASURES = ("top1", "top3", "all", "untrained", "other_place", "fpr95")
Scores = dict[str, float]


def split_per_item(labels: Labels, seed: int) -> tuple[Labels, Labels]:
    """80/20 of every item's photos."""
    random = np.random.default_rng(seed)
    test = []
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        test.append(rows[: round(0.2 * len(rows))])
    held_out = np.sort(np.concatenate(test))
    return np.setdiff1d(np.arange(len(labels)), held_out), held_out


@attrs.frozen(eq=False)
class Museums:
    """Everything measured on: exhibits, and photos that show none of them."""

    dataset: Dataset
    labels: Labels
    place_of: Labels
    ood_files: list[Path]
    ood_home: Labels
    """The place an untrained exhibit belongs to; -1 for photos asked in every place."""

    @classmethod
    def load(cls) -> Museums:
        dataset = scan(MUSEUMS / "data")
        files = list_photos(MUSEUMS / "ood")
        homes = [_home(file, dataset.places) for file in files]
        place_of = np.array([dataset.places.index(place) for place, _ in dataset.items], np.int64)
        return cls(dataset, labels_of(dataset), place_of, files, np.array(homes, np.int64))


def _home(file: Path, places: tuple[str, ...]) -> int:
    kind, place, _ = nfc(file.stem).split("__")
    return places.index(place) if kind == "untrained-exhibit" else -1


def ask_all(
    museums: Museums, fitted: Fitted, lesson: Lesson, queries: Floats, test: Labels, ood: Floats
) -> list[Asked]:
    """Every test photo and every photo of none, asked where it belongs."""
    items = [item for _, item in museums.dataset.items]
    home = museums.place_of[museums.labels[test]]
    parts = []
    for number, place in enumerate(museums.dataset.places):
        model = fitted.place_model(lesson, place)
        assert model is not None
        for rows, kind in ((home == number, "exhibit"), (home != number, "other_place")):
            shown = [items[label] if kind == "exhibit" else "" for label in museums.labels[test][rows]]
            parts.append(model.ask(questions(kind, test[rows], shown), queries[test][rows]))
        for rows, kind in ((museums.ood_home == number, "untrained"), (museums.ood_home == -1, "ood")):
            numbers = np.flatnonzero(rows)
            parts.append(model.ask(questions(kind, numbers, [""] * len(numbers)), ood[rows]))
    return parts


def questions(kind: str, rows: Labels, shown: list[str]) -> Questions:
    """Every photo counts as a shot of its own."""
    return Questions(kind, np.array([f"{kind} {row}" for row in rows]), rows, np.array(shown))


Sureness = Callable[[Floats], Numbers]
"""float32[Q, K] over a place's items -> float64[Q]."""


def best_of(scores: Floats) -> Numbers:
    """The best item's score."""
    return np.asarray(scores.max(axis=1), np.float64)


def p_top1(cosines: Floats) -> Numbers:
    """The best item's probability."""
    return best_of(probabilities(cosines, USUAL))


@attrs.frozen(eq=False)
class Outcome:
    """What a recipe made of every question."""

    kind: Names
    right: Flags
    top3: Flags
    score: Numbers
    """Higher for exhibits."""
    milliseconds: float = 0.0
    """What a photo costs more than with the heads alone, where that was measured."""

    @classmethod
    def of_judged(cls, judged: Judged) -> Outcome:
        return cls(judged.kind, judged.best_right, judged.top3_right, judged.p_top1)

    @classmethod
    def of_scores(
        cls, museums: Museums, test: Labels, scores: Floats, ood: Floats, sureness: Sureness = best_of
    ) -> Outcome:
        """From a score of every photo for every item (float32[Q, C], float32[S, C]): within each place the
        best is named, and the ``sureness`` tells from all its scores."""
        parts = []
        home = museums.place_of[museums.labels[test]]
        for number in range(len(museums.dataset.places)):
            inside = np.flatnonzero(museums.place_of == number)
            for kind, values, truth in (
                ("exhibit", scores[home == number], museums.labels[test][home == number]),
                ("other_place", scores[home != number], None),
                ("untrained", ood[museums.ood_home == number], None),
                ("ood", ood[museums.ood_home == -1], None),
            ):
                order = inside[np.argsort(-values[:, inside], axis=1)]
                known = np.full((len(values), 1), -1) if truth is None else truth[:, None]
                parts.append(
                    cls(
                        np.full(len(values), kind),
                        (order[:, :1] == known).any(axis=1),
                        (order[:, :3] == known).any(axis=1),
                        sureness(values[:, inside]),
                    )
                )
        names = ("kind", "right", "top3", "score")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def measure(self) -> Scores:
        exhibits, score = self.kind == "exhibit", self.score
        found = {"top1": float(self.right[exhibits].mean()), "top3": float(self.top3[exhibits].mean())}
        found["all"] = auroc(score[exhibits], score[~exhibits])
        for unknown in ("untrained", "other_place"):
            found[unknown] = auroc(score[exhibits], score[self.kind == unknown])
        accepted = score[self.kind == "untrained"] >= np.quantile(score[exhibits], 0.05)
        return found | {"fpr95": float(accepted.mean()), "milliseconds": round(self.milliseconds, 1)}


def asked_by(
    fitted: Fitted, museums: Museums, lesson: Lesson, features: Features, test: Labels, ood: Floats
) -> list[Asked]:
    """Every question, asked of a model made of the lesson."""
    embed = fitted.heads.embed
    return ask_all(museums, fitted, lesson, embed(features.values[:, 0]), test, embed(ood))


def features_of_frozen(museums: Museums, stage: Stage) -> tuple[Features, Floats]:
    """(of every exhibit's photo and its changed views, of every photo of none as it is) by the default
    backbone as it was published."""
    net = LensNet(make_backbone(SETTINGS), SETTINGS.embedding_dim, 1).eval()
    paths = [photo.path for photo in museums.dataset.photos]
    exhibits = compute(paths, net, augment=SETTINGS.augment, progress=stage("Features of exhibits"))
    ood = compute(museums.ood_files, net, augment=SETTINGS.augment, views=0)
    return exhibits, ood.values[:, 0]


def lesson_of(
    museums: Museums, rows: Labels, features: Floats, settings: Settings, shots: Labels | None = None
) -> Lesson:
    """Some photos, to learn from."""
    names = np.array([museums.dataset.inside(museums.dataset.photos[row]) for row in rows])
    own = np.arange(len(rows)) if shots is None else shots
    return Lesson(features, museums.labels[rows], museums.dataset.items, names, own, settings)


def lesson_and_test(
    museums: Museums, features: Features, seed: int, settings: Settings
) -> tuple[Lesson, Labels]:
    """(the training photos, rows of the test photos)."""
    train, test = split_per_item(museums.labels, seed)
    shots = duplicate_groups([features.phashes[row] for row in train])
    return lesson_of(museums, train, features.values[train], attrs.evolve(settings, seed=seed), shots), test


def train_photos(museums: Museums, seed: int) -> Dataset:
    """The data set without its test photos."""
    train, _ = split_per_item(museums.labels, seed)
    return attrs.evolve(museums.dataset, photos=tuple(museums.dataset.photos[row] for row in train))


def interval(values: list[float]) -> str:
    """Mean, sd over seeds, and the 95 % t-interval of the mean."""
    mean, sd = np.mean(values), np.std(values, ddof=1)
    half = stats.t.ppf(0.975, len(values) - 1) * sd / np.sqrt(len(values))
    return f"{mean:.3f} ± {sd:.3f} ({mean - half:.3f} to {mean + half:.3f})"
