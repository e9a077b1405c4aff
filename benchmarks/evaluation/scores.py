"""Which rejection score tells the museum's exhibits from what is none of them?

Split: 80/20 per item, seeds 0-9, the museum photos, the default recipe (MobileNetV2, frozen). Calibration and
the combination are fitted to what `ai-lens tune` has without given photos: other places' items, and each item
in turn treated as unknown, among the training photos alone. AUROC on the test photos against each kind.
`auto` is what `ai-lens tune --score auto` would have chosen on the training photos.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "accuracy"))
from protocol import SEEDS, SETTINGS, Museums, asked_by, features_of_frozen, interval, lesson_and_test
from shared import need_shared, report

from lens_core.cli.say import stages
from lens_core.evaluation.calibrating import fit_calibration
from lens_core.evaluation.judged import judge
from lens_core.evaluation.metrics import auroc
from lens_core.evaluation.scoring import CHOICES, best_score, compare_scores, fit_score
from lens_core.training import proof
from lens_core.training.recipes import fit_on_features
from lens_core.training.split import folds
from lens_core.training.train import FOLDS

KINDS = ("untrained", "other_place", "ood")
_WORTH = 0.005


def main() -> None:
    need_shared()
    museums = Museums.load()
    found: dict[str, list[dict[str, float]]] = {name: [] for name in (*CHOICES, "auto")}
    chosen: Counter[str] = Counter()
    with stages() as stage:
        features, ood = features_of_frozen(museums, stage)
        progress = stage("Seeds")
        for done, seed in enumerate(SEEDS, 1):
            lesson, test = lesson_and_test(museums, features, seed, SETTINGS)
            splits = list(folds(lesson.labels, lesson.shots, FOLDS, seed))
            fitted, asked = proof.ask_all(lesson, splits, fit_on_features, lambda: None)
            calibration = fit_calibration(asked)
            known = judge(asked, calibration)
            tested = judge(asked_by(fitted, museums, lesson, features, test, ood), calibration)
            for name in CHOICES:
                scored = tested.scored_by(fit_score(known, name))
                exhibits = scored.score[scored.exhibits]
                found[name].append(
                    {kind: auroc(exhibits, scored.score[scored.kind == kind]) for kind in KINDS}
                )
            best = best_score(compare_scores(known), _WORTH)
            chosen[best] += 1
            found["auto"].append(found[best][-1])
            progress(done, len(SEEDS))
    rows = [
        [name, *(interval([one[kind] for one in results]) for kind in KINDS)]
        for name, results in found.items()
    ]
    usual = found["softmax"]
    for name in ("energy", "combination", "auto"):
        pairs = list(zip(found[name], usual, strict=True))
        gains = [interval([one[kind] - other[kind] for one, other in pairs]) for kind in KINDS]
        rows.append([f"{name} over softmax, paired", *gains])
    rows.append(
        [f"auto chose {', '.join(f'{name} {count} times' for name, count in chosen.items())}", "", "", ""]
    )
    head = ["score", "untrained exhibits", "other places' items", "photos of no exhibit"]
    title = "Rejection scores on museum photos: AUROC, mean ± sd over seeds 0-9 (95 % interval of the mean)"
    report(__file__, title, head, rows, found, name="scores")


if __name__ == "__main__":
    main()
