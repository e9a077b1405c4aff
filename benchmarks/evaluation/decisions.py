"""What visitors meet: how often a photo of an exhibit is answered rightly, wrongly, or asked for again, and
how often a photo that shows none of the place's exhibits is accepted.

Split: 80/20 per item, seeds 0-9, the museum photos, MobileNetV2. `train` learns from the training photos
alone and finds T, M and D among them, once with `--finetune none` and once as it would by default; the
`best.ckpt` it leaves is asked about the others. Three hours of two cores: what is done is kept in
decisions.json, and the same command goes on. ``--seeds 0 1`` measures some seeds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import attrs
import numpy as np
from filelock import FileLock

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "accuracy"))
from protocol import SEEDS, SETTINGS, Museums, interval, split_per_item, train_photos
from shared import need_shared, report

from lens_core.artifacts.atomic import write_json
from lens_core.cli.say import stages
from lens_core.contracts import Photo
from lens_core.photos.decode import decode
from lens_core.progress import Stage
from lens_core.runtime.lens import Lens
from lens_core.runtime.result import Result
from lens_core.training.train import train

RESULTS = Path(__file__).with_name("decisions.json")
LOCK = Path(gettempdir()) / "ai-lens-decisions.lock"
TITLE = "What visitors meet, of museum photos: mean ± sd over seeds (95 % interval of the mean)"
FINETUNED = {"--finetune none": "none", "default": "all"}
Shares = dict[str, float]
Done = dict[str, dict[str, Shares]]
"""Recipe -> seed -> shares."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--only", nargs="+", choices=[*FINETUNED], default=[*FINETUNED])
    chosen = parser.parse_args()
    need_shared()
    museums = Museums.load()
    done = _read()
    with stages() as stage:
        for seed in chosen.seeds:
            for recipe in chosen.only:
                if str(seed) not in done.get(recipe, {}):
                    done = _keep(recipe, seed, decisions(museums, seed, FINETUNED[recipe], stage))
    with FileLock(LOCK):
        done = _read()
        head = ["what", *(f"{recipe} ({len(by_seed)} seeds)" for recipe, by_seed in done.items())]
        report(__file__, TITLE, head, list(_rows(done)), done, name="decisions")


def decisions(museums: Museums, seed: int, finetune: str, stage: Stage) -> Shares:
    """The shares of one split."""
    with TemporaryDirectory() as folder:
        settings = attrs.evolve(SETTINGS, seed=seed, finetune=finetune)
        run = train(settings, train_photos(museums, seed), Path(folder), stage=stage)
        assert run is not None
        return ask(Lens(run.checkpoint), museums, split_per_item(museums.labels, seed)[1])


def ask(lens: Lens, museums: Museums, test: Sequence[int]) -> Shares:
    """Every test photo in every place, and every photo of no exhibit where it belongs, as an app would."""
    photos = [decode(museums.dataset.photos[row].path) for row in test]
    ood = [decode(file) for file in museums.ood_files]
    truth = [museums.dataset.items[museums.labels[row]] for row in test]
    exhibits: list[tuple[str, Result]] = []
    elsewhere, untrained, none = list[Result](), list[Result](), list[Result]()
    for number, place in enumerate(museums.dataset.places):
        home = np.array([where == place for where, _ in truth])
        named = [item for where, item in truth if where == place]
        exhibits += zip(named, lens.answer(place, _some(photos, home)), strict=True)
        elsewhere += lens.answer(place, _some(photos, ~home))
        untrained += lens.answer(place, _some(ood, museums.ood_home == number))
        none += lens.answer(place, _some(ood, museums.ood_home == -1))
    right = [answer.selected_item == item for item, answer in exhibits]
    accepted = _accepted(answer for _, answer in exhibits)
    return {
        "exhibits answered rightly": float(np.mean(right)),
        "exhibits answered wrongly": accepted - float(np.mean(right)),
        "exhibits asked for again": 1 - accepted,
        "accepted: exhibits of the museum it was not shown": _accepted(untrained),
        "accepted: other places' exhibits": _accepted(elsewhere),
        "accepted: photos of no exhibit": _accepted(none),
    }


def _accepted(answers: Iterable[Result]) -> float:
    return float(np.mean([answer.decision == "accept" for answer in answers]))


def _some(photos: Sequence[Photo], chosen: Iterable[bool]) -> list[Photo]:
    return [photo for photo, taken in zip(photos, chosen, strict=True) if taken]


def _rows(done: Done) -> Iterator[list[str]]:
    shares = [list(by_seed.values()) for by_seed in done.values()]
    for what in shares[0][0]:
        yield [what, *(interval([one[what] for one in seeds]) for seeds in shares)]


def _read() -> Done:
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def _keep(recipe: str, seed: int, shares: Shares) -> Done:
    """Other processes may be measuring other seeds."""
    with FileLock(LOCK):
        done = _read()
        done.setdefault(recipe, {})[str(seed)] = shares
        write_json(RESULTS, done)
    return done


if __name__ == "__main__":
    main()
