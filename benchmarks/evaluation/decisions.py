"""What visitors meet: how often a photo of an exhibit is answered rightly, wrongly, or asked for again, and
how often a photo that shows none of the place's exhibits is accepted.

Split: 80/20 per item, seeds 0-9, the museum photos, MobileNetV2 without fine-tuning. `train` learns from the
training photos and finds T, M and D among them; nothing is chosen by the test photos.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "accuracy"))
from protocol import SEEDS, SETTINGS, Museums, asked_by, features_of_frozen, interval, lesson_and_test
from shared import need_shared, report

from lens_core.cli.say import stages
from lens_core.evaluation.answers import Answers
from lens_core.evaluation.judged import judge
from lens_core.training.learn import learn
from lens_core.training.split import folds
from lens_core.training.train import FOLDS

UNKNOWN = {
    "untrained": "accepted: exhibits of the museum it was not shown",
    "other_place": "accepted: other places' exhibits",
    "ood": "accepted: photos of no exhibit",
}


def main() -> None:
    need_shared()
    museums = Museums.load()
    found: list[dict[str, float]] = []
    with stages() as stage:
        features, ood = features_of_frozen(museums, stage)
        progress = stage("Seeds")
        for done, seed in enumerate(SEEDS, 1):
            lesson, test = lesson_and_test(museums, features, seed, SETTINGS)
            learned = learn(lesson, list(folds(lesson.labels, lesson.shots, FOLDS, seed)))
            assert learned.thresholds is not None
            asked = asked_by(learned.fitted, museums, lesson, features, test, ood)
            found.append(shares(Answers.of(judge(asked, learned.calibration), learned.thresholds)))
            progress(done, len(SEEDS))
    rows = [[what, interval([one[what] for one in found])] for what in found[0]]
    title = "What visitors meet, of museum photos: mean ± sd over seeds 0-9 (95 % interval of the mean)"
    report(__file__, title, ["what", "share"], rows, found, name="decisions")


def shares(answers: Answers) -> dict[str, float]:
    exhibits = answers.judged.exhibits
    right, accepted = answers.right[exhibits], answers.accepted[exhibits]
    unknown = {
        what: float(answers.accepted[answers.judged.kind == kind].mean()) for kind, what in UNKNOWN.items()
    }
    return {
        "exhibits answered rightly": float(right.mean()),
        "exhibits answered wrongly": float((accepted & ~right).mean()),
        "exhibits asked for again": float((~accepted).mean()),
        **unknown,
    }


if __name__ == "__main__":
    main()
