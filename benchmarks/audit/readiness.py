"""Does the readiness score, which needs no training, say which exhibits a trained model will recognise?

Split: 80/20 per item, seeds 0-9, the museum photos. Each seed, `validate-data` scores the items by the
training photos alone and a model is trained on them (default recipe, MobileNetV2, frozen). Recall: the
share of an item's held-out photos, over all seeds, whose most probable item in their place is the right
one. Both are averaged over the seeds and compared over the 42 items by Spearman's rank correlation;
interval: bootstrap over items. The formula was chosen on these photos, so the figure is somewhat
optimistic.
"""

from __future__ import annotations

import sys
from pathlib import Path

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy import stats

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "accuracy"))
from protocol import SEEDS, SETTINGS, Museums, lesson_of, questions, split_per_item
from shared import need_shared, report

from lens_core.audit.audit import audit
from lens_core.cli.say import stages
from lens_core.photos.quality import QualityChecks
from lens_core.training.features import VIEWS, Features, compute
from lens_core.training.network import LensNet, make_backbone
from lens_core.training.recipes import fit_on_features
from lens_core.training.split import Labels

Numbers = NDArray[np.float64]
BOOTSTRAPS = 10_000


def scores(museums: Museums, train: Labels) -> Numbers:
    """float64[C]: the readiness of each item by its training photos."""
    photos = tuple(museums.dataset.photos[row] for row in train)
    found = audit(attrs.evolve(museums.dataset, photos=photos), 1, checks=QualityChecks.enabled([]))
    return np.array([item.readiness for item in found.items], float)


def recognised(
    museums: Museums, features: Features, train: Labels, test: Labels, seed: int
) -> NDArray[np.bool_]:
    """bool[Q]: which test photos a model trained on the others names rightly."""
    settings = attrs.evolve(SETTINGS, seed=seed)
    lesson = lesson_of(museums, train, features.values[train], settings)
    fitted = fit_on_features(lesson, np.arange(len(train)), seed)
    items = np.array([item for _, item in museums.dataset.items])
    embedded = fitted.heads.embed(features.values[:, 0])
    right = np.zeros(len(test), bool)
    home = museums.place_of[museums.labels[test]]
    for number, place in enumerate(museums.dataset.places):
        rows = test[home == number]
        model = fitted.place_model(lesson, place)
        assert model is not None
        asked = model.ask(questions("exhibit", rows, items[museums.labels[rows]].tolist()), embedded[rows])
        right[home == number] = asked.cosines.argmax(axis=1) == asked.truth
    return right


def correlation(one: Numbers, other: Numbers) -> list[float]:
    """[rank correlation, low, high]."""
    random = np.random.default_rng(0)
    draws = random.integers(0, len(one), (BOOTSTRAPS, len(one)))
    drawn = [stats.spearmanr(one[rows], other[rows]).statistic for rows in draws]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return [float(stats.spearmanr(one, other).statistic), float(low), float(high)]


def main() -> None:
    need_shared()
    museums = Museums.load()
    count = len(museums.place_of)
    paths = [photo.path for photo in museums.dataset.photos]
    net = LensNet(make_backbone(SETTINGS), SETTINGS.embedding_dim, count).eval()
    asked, right, ready = np.zeros(count), np.zeros(count), []
    with stages() as stage:
        features = compute(
            paths, net, augment=SETTINGS.augment, views=VIEWS, progress=stage("Features of exhibits")
        )
        progress = stage("Seeds")
        for done, seed in enumerate(SEEDS, 1):
            train, test = split_per_item(museums.labels, seed)
            ready.append(scores(museums, train))
            np.add.at(asked, museums.labels[test], 1)
            np.add.at(right, museums.labels[test], recognised(museums, features, train, test, seed))
            progress(done, len(SEEDS))
    recall, score = right / asked, np.mean(ready, axis=0)
    photos = np.bincount(museums.labels).astype(float)
    rows = [
        ["readiness", *(f"{value:.2f}" for value in correlation(score, recall))],
        ["number of photos, for comparison", *(f"{value:.2f}" for value in correlation(photos, recall))],
    ]
    data = {"items": [{"readiness": s, "recall": r} for s, r in zip(score, recall, strict=True)]}
    head = ["", "rho", "low", "high"]
    report(__file__, "Rank correlation with held-out recall, 42 items", head, rows, data, name="readiness")
    for part in np.array_split(np.argsort(score), 6):
        print(f"readiness {score[part].mean():3.0f}: recall {recall[part].mean():.0%}")


if __name__ == "__main__":
    main()
