"""What can be made of a network's features: each way answers all questions of a split."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import numpy as np
import torch
from protocol import Museums, Outcome, asked_by, lesson_and_test, split_per_item
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lens_core.artifacts.gallery import normalise
from lens_core.contracts import Floats
from lens_core.evaluation.asked import Asked
from lens_core.evaluation.calibrating import USUAL, fit_calibration
from lens_core.evaluation.judged import judge
from lens_core.evaluation.scoring import COMBINATION, fit_score
from lens_core.settings import Settings
from lens_core.training import proof
from lens_core.training.features import Features
from lens_core.training.heads import whitening
from lens_core.training.lesson import Lesson
from lens_core.training.recipes import fit_on_features
from lens_core.training.split import Labels, folds

Embed = Callable[[Floats], Floats]
FOLDS = 5


@attrs.frozen(eq=False)
class Seen:
    """What a network makes of every photo."""

    features: Features
    ood: Floats
    """float32[S, F]."""
    other_sizes: Sequence[tuple[Floats, Floats]] = ()
    """(float32[N, F], float32[S, F]) of every photo at other sizes of the input."""
    milliseconds: float = 0.0
    """That those took, a photo."""


def default(museums: Museums, seen: Seen, seed: int, settings: Settings) -> Outcome:
    """The heads of ai-lens."""
    lesson, test = lesson_and_test(museums, seen.features, seed, settings)
    return Outcome.of_judged(judge(asked_of(museums, seen, lesson, test, seed), USUAL))


def energy(museums: Museums, seen: Seen, seed: int, settings: Settings) -> Outcome:
    """The same; how sure is told by the energy of all the place's items instead of the best one."""
    lesson, test = lesson_and_test(museums, seen.features, seed, settings)
    judged = judge(asked_of(museums, seen, lesson, test, seed), USUAL)
    return attrs.evolve(Outcome.of_judged(judged), score=judged.signals["energy"])


def combined(museums: Museums, seen: Seen, seed: int, settings: Settings) -> Outcome:
    """The same; how sure is told by all signals together, weighed on training photos that were held out."""
    lesson, test = lesson_and_test(museums, seen.features, seed, settings)
    held_out = _held_out(lesson)
    calibration = fit_calibration(held_out)
    score = fit_score(judge(held_out, calibration), COMBINATION)
    judged = judge(asked_of(museums, seen, lesson, test, seed), calibration, score)
    return attrs.evolve(Outcome.of_judged(judged), score=judged.score)


def nearest(museums: Museums, seen: Seen, seed: int, settings: Settings) -> Outcome:
    """The nearest training photo by cosine names the item, and says how sure."""
    train, test = _split(museums, seed)
    return _nearest(museums, train, test, lambda rows: rows, seen, views=0)


def whitened(museums: Museums, seen: Seen, seed: int, settings: Settings) -> Outcome:
    """The same, after whitening learned on the training photos."""
    train, test = _split(museums, seed)
    return _nearest(museums, train, test, _whitening(seen, train), seen, views=0)


def whitened_views(museums: Museums, seen: Seen, seed: int, settings: Settings) -> Outcome:
    """The same, with changed views of each training photo in the gallery."""
    train, test = _split(museums, seed)
    views = seen.features.values.shape[1] - 1
    return _nearest(museums, train, test, _whitening(seen, train), seen, views)


def prototypes(museums: Museums, seen: Seen, seed: int, settings: Settings) -> Outcome:
    """The nearest mean of an item's whitened training photos."""
    train, test = _split(museums, seed)
    embed = _whitening(seen, train)
    photos, labels = normalise(embed(seen.features.values[train, 0])), museums.labels[train]
    items = range(len(museums.place_of))
    means = normalise(np.stack([photos[labels == item].mean(axis=0) for item in items]))
    queries, ood = (normalise(embed(rows)) for rows in (seen.features.values[test, 0], seen.ood))
    return Outcome.of_scores(museums, test, queries @ means.T, ood @ means.T)


def logistic(museums: Museums, seen: Seen, seed: int, settings: Settings) -> Outcome:
    """scikit-learn's logistic regression on standardised features; its probability says how sure."""
    train, test = _split(museums, seed)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    model.fit(seen.features.values[train, 0], museums.labels[train])
    known, ood = (model.predict_proba(rows) for rows in (seen.features.values[test, 0], seen.ood))
    return Outcome.of_scores(museums, test, known.astype(np.float32), ood.astype(np.float32))


def asked_of(museums: Museums, seen: Seen, lesson: Lesson, test: Labels, seed: int) -> list[Asked]:
    """Every question, asked of heads that learned from the lesson."""
    fitted = fit_on_features(lesson, np.arange(len(lesson.labels)), seed)
    return asked_by(fitted, museums, lesson, seen.features, test, seen.ood)


def _held_out(lesson: Lesson) -> list[Asked]:
    splits = list(folds(lesson.labels, lesson.shots, FOLDS, lesson.settings.seed))
    _, asked = proof.ask_all(lesson, splits, fit_on_features, lambda: None)
    return asked


def _split(museums: Museums, seed: int) -> tuple[Labels, Labels]:
    return split_per_item(museums.labels, seed)


def _whitening(seen: Seen, train: Labels) -> Embed:
    weight, bias = whitening(torch.from_numpy(seen.features.values[train, 0]), Settings().embedding_dim)
    return lambda rows: rows @ weight.numpy().T + bias.numpy()


def _nearest(museums: Museums, train: Labels, test: Labels, embed: Embed, seen: Seen, views: int) -> Outcome:
    gallery = [normalise(embed(seen.features.values[train, number])) for number in range(1 + views)]
    labels, items = museums.labels[train], range(len(museums.place_of))

    def per_item(queries: Floats) -> Floats:
        near = np.max([queries @ photos.T for photos in gallery], axis=0)
        return np.stack([near[:, labels == item].max(axis=1) for item in items], axis=1)

    queries, ood = (normalise(embed(rows)) for rows in (seen.features.values[test, 0], seen.ood))
    return Outcome.of_scores(museums, test, per_item(queries), per_item(ood))
