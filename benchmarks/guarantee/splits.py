"""Does the promise of `ai-lens tune` hold on photos that it has not seen?

The museum photos are asked as `ai-lens tune` asks them (five folds, each item in turn treated as unknown,
other places' items, and photos of no exhibit). 500 times their shots are drawn apart into two halves. On one
the rule is tuned with a promise; on the other it is counted how many photos get through, one question of
each shot. A promise of 95 % confidence may be broken in 5 % of the splits.

Half of a few hundred photos is a small world of its own: its share lies above or below the true one by
chance. So the same is done with drawn scores, where the truth is known: 500 drawn museums, exhibits' and
unknown photos' scores from two normal distributions, and the share that truly gets through from a million.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared import MUSEUMS, WEIGHTS, need_shared, report, strays

from lens_core.cli.say import stages
from lens_core.evaluation.answers import Answers
from lens_core.evaluation.asked import Asked
from lens_core.evaluation.calibrating import USUAL
from lens_core.evaluation.guarantee import trials
from lens_core.evaluation.judged import Judged, judge, together
from lens_core.evaluation.tuned import GIVEN, Material, prepare, tune
from lens_core.photos.layout import scan
from lens_core.settings import Settings
from lens_core.training.experiment import Subject, ask

SPLITS = 500
CONFIDENCE = 0.95
COST = 1.0
DRAWN_PHOTOS = 300
TRUTH = 1_000_000


def questions() -> tuple[Asked, ...]:
    settings = Settings(backbone="mobilenetv2", weights=str(WEIGHTS))
    with stages() as stage:
        return ask(Subject.of_settings(settings), scan(MUSEUMS / "data"), strays(), stage=stage).folded


def halves(asked: Sequence[Asked], seed: int) -> tuple[list[Asked], list[Asked]]:
    shots = np.unique(np.concatenate([part.questions.shots for part in asked]))
    first = np.random.default_rng(seed).permutation(shots)[: len(shots) // 2]
    inside = [np.isin(part.questions.shots, first) for part in asked]
    return (
        [part.only(flags) for part, flags in zip(asked, inside, strict=True)],
        [part.only(~flags) for part, flags in zip(asked, inside, strict=True)],
    )


Found = dict[float, list[tuple[float, float]]]
"""By promise: (share that got through of the worst kind tested, share of exhibits answered rightly)."""


def on_photos(asked: Sequence[Asked], score: str) -> Found:
    found: Found = defaultdict(list)
    with stages() as stage:
        progress = stage(f"Splits, {score}")
        for seed in range(SPLITS):
            tuning, testing = halves(asked, seed)
            material = prepare(tuning, score, COST, seed)
            for candidate in tune(material, None, CONFIDENCE).candidates[1:]:
                thresholds = candidate.thresholds
                judged = judge(testing, material.calibration, thresholds.score)
                answers = Answers.of(judged, thresholds)
                through = [
                    float(answers.accepted[trials(judged, kind, seed)].mean()) for kind in material.tested
                ]
                right = float(answers.right[judged.exhibits].mean())
                found[candidate.promise].append((max(through), right))
            progress(seed + 1, SPLITS)
    return found


def drawn(random: np.random.Generator, kind: str, count: int, mean: float) -> Judged:
    """Photos whose scores are drawn; each is a shot of its own."""
    names, scores = np.full(count, "x"), 1 / (1 + np.exp(-random.normal(mean, 1, count)))
    right = random.uniform(size=count) < 0.9
    best = np.where(right, "x", "y")
    return Judged(
        kind=np.full(count, kind), place=np.full(count, "A"), photo=names,
        shot=random.permutation(10 * count)[:count] + (10 * count if kind == "exhibit" else 0),
        item=np.full(count, "x" if kind == "exhibit" else ""), best_item=best, nearest_item=best,
        p_top1=scores, margin=scores, d_top1=random.uniform(0.2, 1, count), score=scores,
        top3_right=right, average_precision=scores,
    )  # fmt: skip


def on_drawn_scores() -> Found:
    found: Found = defaultdict(list)
    truth = drawn(np.random.default_rng(10**6), "ood", TRUTH, mean=-1.5)
    with stages() as stage:
        progress = stage("Drawn museums")
        for seed in range(SPLITS):
            random = np.random.default_rng(seed)
            exhibits, other, ood = (
                drawn(random, kind, DRAWN_PHOTOS, mean)
                for kind, mean in (("exhibit", 1.5), ("other_place", -1.0), ("ood", -1.5))
            )
            judged = together([exhibits, other, ood])
            material = Material(
                judged, together([exhibits, other]), {"ood": trials(judged, "ood", seed)},
                USUAL, None, {}, COST,
            )  # fmt: skip
            for candidate in tune(material, None, CONFIDENCE).candidates[1:]:
                through = float(Answers.of(truth, candidate.thresholds).accepted.mean())
                found[candidate.promise].append((through, candidate.point.accepted_right))
            progress(seed + 1, SPLITS)
    return found


def summary(promise: float, results: list[tuple[float, float]]) -> dict[str, float]:
    """What is kept of all splits."""
    through, right = np.array(results).T
    broken = int((through > promise + 1e-12).sum())
    interval = binomtest(broken, len(results)).proportion_ci(method="exact")
    return {
        "splits": len(results),
        "broken": broken,
        "low": float(interval.low),
        "high": float(interval.high),
        "through": float(through.mean()),
        "through_95": float(np.quantile(through, 0.95)),
        "right": float(right.mean()),
        "right_sd": float(right.std(ddof=1)),
    }


def row(name: str, promise: float, one: dict[str, float]) -> list[str]:
    share = one["broken"] / one["splits"]
    return [
        name,
        f"{promise:.1%}",
        f"{one['broken']} of {one['splits']} = {share:.1%} ({one['low']:.1%} to {one['high']:.1%})",
        f"{one['through']:.1%}",
        f"{one['through_95']:.1%}",
        f"{one['right']:.1%} ± {one['right_sd']:.1%}",
    ]


def main() -> None:
    need_shared()
    all_kinds = questions()
    museum_only = tuple(part for part in all_kinds if part.questions.kind not in GIVEN)
    found = {
        "look-alikes and other places' items": on_photos(museum_only, "softmax"),
        "the same, the photos choose the score": on_photos(museum_only, "auto"),
        "photos of no exhibit, untrained exhibits": on_photos(all_kinds, "softmax"),
        "drawn scores, true share known": on_drawn_scores(),
    }
    kept = {
        name: {promise: summary(promise, one[promise]) for promise in sorted(one)}
        for name, one in found.items()
    }
    rows = [row(name, promise, one) for name, of in kept.items() for promise, one in of.items()]
    head = [
        "tested on",
        "promised: at most",
        "broken",
        "got through",
        "in 95 % of splits at most",
        "answered rightly",
    ]
    title = f"Promises at {CONFIDENCE:.0%} confidence over {SPLITS} random splits (mean ± sd over splits)"
    report(__file__, title, head, rows, kept)


if __name__ == "__main__":
    main()
