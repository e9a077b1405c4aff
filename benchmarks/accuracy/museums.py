"""The default recipe against the tutorial recipe, on photos of 42 exhibits in 3 museums.

Split: 80/20 per item, seeds 0-9. A photo is asked within one place. Top-1 is over the test photos asked in
their own place; each AUROC separates those from photos that show none of the place's items:

- untrained: other exhibits of the same museum, asked in that museum (the hard and honest kind);
- other places: test photos of the other museums' items, asked here;
- all: both of these, and walls, floors, people, rooms, signs and objects asked in every place.

The tutorial's score is the cosine to the nearest training photo; the recipe's is the score its decision goes
by (Answers.reaches in lens_core.evaluation.answers). Calibration and thresholds see training photos only.
"""

from __future__ import annotations

import sys
from pathlib import Path

import attrs
import numpy as np
import torch
from PIL import Image
from scipy import stats

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared import MUSEUMS, WEIGHTS, need_shared, report

from lens_core.artifacts.gallery import normalise
from lens_core.artifacts.manifest import Thresholds
from lens_core.cli.say import stages
from lens_core.contracts import Floats
from lens_core.evaluation.answers import Answers
from lens_core.evaluation.asked import Asked, Questions
from lens_core.evaluation.calibrating import USUAL
from lens_core.evaluation.judged import Judged, judge
from lens_core.evaluation.metrics import auroc
from lens_core.evaluation.tuning import operating_point
from lens_core.photos.decode import decode
from lens_core.photos.layout import Dataset, list_photos, nfc, scan
from lens_core.settings import Settings
from lens_core.training.features import VIEWS, Features, compute
from lens_core.training.heads import Heads, Labels
from lens_core.training.learn import learn
from lens_core.training.lesson import Lesson, duplicate_groups, labels_of
from lens_core.training.network import LensNet, make_backbone
from lens_core.training.recipes import Fitted, fit_on_features
from lens_core.training.split import folds
from lens_core.training.train import FOLDS

SEEDS = range(10)
SETTINGS = Settings(backbone="mobilenetv2", weights=str(WEIGHTS))
MEASURES = ("top1", "all", "untrained", "other_place")
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


def measure(kind: np.ndarray, right: np.ndarray, score: np.ndarray) -> Scores:
    exhibits = kind == "exhibit"
    found = {"top1": float(right[exhibits].mean()), "all": auroc(score[exhibits], score[~exhibits])}
    for unknown in ("untrained", "other_place"):
        found[unknown] = auroc(score[exhibits], score[kind == unknown])
    return found


def centre_crop_features(files: list[Path], net: LensNet) -> Floats:
    """What a tutorial does: short side to 256, centre crop 224."""

    def crop(file: Path) -> np.ndarray:
        image = Image.fromarray(decode(file).pixels)
        scale = 256 / min(image.size)
        image = image.resize(
            (round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC
        )
        left, top = (image.width - 224) // 2, (image.height - 224) // 2
        return np.array(image.crop((left, top, left + 224, top + 224)))

    with torch.inference_mode():
        return np.concatenate([net.features(torch.from_numpy(crop(file))[None]).numpy() for file in files])


def tutorial(museums: Museums, exhibits: Floats, ood: Floats, seed: int) -> Scores:
    """Frozen features, 1-nearest neighbour by cosine: names and rejects by the nearest training photo."""
    train, test = split_per_item(museums.labels, seed)
    unit, strays = normalise(exhibits), normalise(ood)
    lesson = lesson_of(museums, train, exhibits[train][:, None], SETTINGS)
    no_heads = Heads(np.empty((0, 0), np.float32), np.empty(0, np.float32), np.empty((0, 0), np.float32))
    fitted = Fitted(no_heads, np.arange(len(train)), {}, unit[train], strays)
    judged = judge(ask_all(museums, fitted, lesson, unit, test, strays), USUAL)
    return measure(judged.kind, judged.nearest_right, -judged.d_top1)


def recipe(museums: Museums, features: Features, ood: Floats, seed: int, settings: Settings) -> Scores:
    """What ``ai-lens train`` does with the training photos of this split, and its answers to the others."""
    lesson, test = _lesson(museums, features, seed, settings)
    learned = learn(lesson, list(folds(lesson.labels, lesson.shots, FOLDS, seed)))
    assert learned.thresholds is not None
    judged = judge(asked_by(learned.fitted, museums, lesson, features, test, ood), learned.calibration)
    answers = Answers.of(judged, learned.thresholds)
    found = measure(judged.kind, judged.best_right, answers.reaches)
    return found | _what_visitors_meet(judged, learned.thresholds)


def variant(museums: Museums, features: Features, ood: Floats, seed: int, settings: Settings) -> Scores:
    """The recipe with something changed; scored by the probability, calibrated as if untuned."""
    lesson, test = _lesson(museums, features, seed, settings)
    fitted = fit_on_features(lesson, np.arange(len(lesson.labels)), seed)
    judged = judge(asked_by(fitted, museums, lesson, features, test, ood), USUAL)
    return measure(judged.kind, judged.best_right, judged.p_top1)


def asked_by(
    fitted: Fitted, museums: Museums, lesson: Lesson, features: Features, test: Labels, ood: Floats
) -> list[Asked]:
    """Every question, asked of a model made of the lesson."""
    embed = fitted.heads.embed
    return ask_all(museums, fitted, lesson, embed(features.values[:, 0]), test, embed(ood))


def lesson_of(
    museums: Museums, rows: Labels, features: Floats, settings: Settings, shots: Labels | None = None
) -> Lesson:
    """Some photos, to learn from."""
    names = np.array([museums.dataset.inside(museums.dataset.photos[row]) for row in rows])
    own = np.arange(len(rows)) if shots is None else shots
    return Lesson(features, museums.labels[rows], museums.dataset.items, names, own, settings)


def _lesson(museums: Museums, features: Features, seed: int, settings: Settings) -> tuple[Lesson, Labels]:
    """(the training photos, rows of the test photos)."""
    train, test = split_per_item(museums.labels, seed)
    shots = duplicate_groups([features.phashes[row] for row in train])
    return lesson_of(museums, train, features.values[train], attrs.evolve(settings, seed=seed), shots), test


def _what_visitors_meet(judged: Judged, thresholds: Thresholds) -> Scores:
    point = operating_point(judged, thresholds)
    accepted = {f"accepted_{kind}": share for kind, share in point.false_accepts.items()}
    return {"answered_right": point.accepted_right, "answered_wrong": point.accepted_wrong} | accepted


def interval(values: list[float]) -> str:
    """Mean, sd over seeds, and the 95 % t-interval of the mean."""
    mean, sd = np.mean(values), np.std(values, ddof=1)
    half = stats.t.ppf(0.975, len(values) - 1) * sd / np.sqrt(len(values))
    return f"{mean:.3f} ± {sd:.3f} ({mean - half:.3f} to {mean + half:.3f})"


def main() -> None:
    need_shared()
    museums = Museums.load()
    paths = [photo.path for photo in museums.dataset.photos]
    net = LensNet(make_backbone(SETTINGS), SETTINGS.embedding_dim, len(museums.place_of)).eval()
    with stages() as stage:
        many = compute(paths, net, augment=SETTINGS.augment, views=4, progress=stage("Features of exhibits"))
        features, without_views = (attrs.evolve(many, values=many.values[:, : 1 + v]) for v in (VIEWS, 0))
        ood = compute(
            museums.ood_files, net, augment=SETTINGS.augment, views=0, progress=stage("Features of OOD")
        )
        crops, ood_crops = centre_crop_features(paths, net), centre_crop_features(museums.ood_files, net)
        triplet = attrs.evolve(SETTINGS, loss="ce+triplet")
        alone = attrs.evolve(SETTINGS, loss="ce")
        runs: dict[str, list[Scores]] = {
            "tutorial: centre crop 224, 1-NN": [],
            "recipe without changed views": [],
            "recipe with 4 changed views": [],
            "recipe with ce alone": [],
            "recipe with ce+triplet": [],
            "**the default recipe** (ce+arcface, 2 changed views)": [],
        }
        progress = stage("Seeds")
        for done, seed in enumerate(SEEDS, 1):
            scores = (
                tutorial(museums, crops, ood_crops, seed),
                variant(museums, without_views, ood.values[:, 0], seed, SETTINGS),
                variant(museums, many, ood.values[:, 0], seed, SETTINGS),
                variant(museums, features, ood.values[:, 0], seed, alone),
                variant(museums, features, ood.values[:, 0], seed, triplet),
                recipe(museums, features, ood.values[:, 0], seed, SETTINGS),
            )
            for name, found in zip(runs, scores, strict=True):
                runs[name].append(found)
            progress(done, len(SEEDS))
    rows = [[name, *(interval([s[m] for s in found]) for m in MEASURES)] for name, found in runs.items()]
    first, *_, last = runs.values()
    gains = [interval([b[m] - a[m] for a, b in zip(first, last, strict=True)]) for m in MEASURES]
    rows.append(["gain of the default over the tutorial, paired", *gains])
    head = ["recipe", "top-1", "AUROC all", "AUROC untrained", "AUROC other places"]
    title = "Museum photos: mean ± sd over seeds 0-9 (95 % interval of the mean)"
    report(__file__, title, head, rows, {name: list(found) for name, found in runs.items()})
    for key in [key for key in last[0] if key not in MEASURES]:
        print(f"default recipe, {key}: {interval([found[key] for found in last])}")


if __name__ == "__main__":
    main()
