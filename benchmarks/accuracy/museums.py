"""The recipes of ai-lens, one switch each, and what others would do, on photos of 42 exhibits in 3 museums.

How it is measured stands in protocol.py. A day of two cores: what is done is kept in results.json, and the
same command goes on. ``--seeds 0 1`` measures some seeds, ``--only full mining`` some networks; several
processes, each with one thread (``OMP_NUM_THREADS=1``), may measure different seeds.
The second opinion needs ``pip install opencv-python-headless``, which is no part of ai-lens.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import attrs
import numpy as np
from filelock import FileLock
from heads import (
    Seen,
    combined,
    default,
    energy,
    logistic,
    nearest,
    prototypes,
    whitened,
    whitened_views,
)
from ideas import gem, second_opinion, several_sizes, spread
from looks import Looking
from protocol import MEASURES, SEEDS, SETTINGS, Museums, Outcome, interval
from shared import need_shared, report

from lens_core.artifacts.atomic import write_json
from lens_core.cli.say import stages
from lens_core.progress import Stage
from lens_core.settings import Augment, Settings

RESULTS = Path(__file__).with_name("results.json")
Head = Callable[[Museums, Seen, int, Settings], Outcome]
Look = Callable[[Looking], tuple[Seen, float]]
Changes = dict[str, Any]
"""Settings that are not the usual ones."""
Rows = dict[str, tuple[Head, Changes]]
"""By name: the heads, and how they learn."""
Done = dict[str, dict[str, dict[str, float]]]
"""Row -> seed -> figure."""
CE, ARCFACE, TRIPLET = {"loss": "ce"}, {"loss": "ce+arcface"}, {"loss": "ce+triplet"}


@attrs.frozen
class Network:
    """How features come about, and what is made of them."""

    look: Look
    rows: Rows
    settings: Changes = attrs.field(factory=dict)
    looking: dict[str, Any] = attrs.field(factory=dict)


REFERENCE = "timm features, 1-NN"
NETWORKS = {
    "frozen, 4 views": Network(
        Looking.frozen,
        {
            "frozen, 1-NN": (nearest, CE),
            "frozen, whitened 1-NN": (whitened, CE),
            "frozen, whitened 1-NN + 4 gallery views": (whitened_views, CE),
            "frozen, prototypes": (prototypes, CE),
            "frozen, logistic head": (logistic, CE),
        },
        {"finetune": "none"},
        {"views": 4},
    ),
    "frozen": Network(
        Looking.frozen,
        {
            "frozen, ce": (default, CE),
            "frozen, ce+arcface": (default, ARCFACE),
            "frozen, ce+triplet": (default, TRIPLET),
            "frozen, items shown equally often": (default, ARCFACE | {"balance": "items"}),
            "frozen, items weighted equally": (default, ARCFACE | {"balance": "weights"}),
            "frozen, sure by each item's spread": (spread, ARCFACE),
            "frozen, sure by energy": (energy, ARCFACE),
            "frozen, sure by all signals": (combined, ARCFACE),
            "frozen, asked at 352, 448 and 544 pixels": (several_sizes, ARCFACE),
            "frozen, second opinion": (second_opinion, ARCFACE),
        },
        {"finetune": "none"},
        {"sizes": (352, 544)},
    ),
    "frozen, GeM": Network(
        Looking.frozen,
        {"frozen, GeM pooling": (default, ARCFACE)},
        {"finetune": "none"},
        {"change": gem},
    ),
    "full": Network(
        Looking.finetuned,
        {
            "full, ce+arcface": (default, ARCFACE),
            "full, heads of ce": (default, CE),
            "full, whitened 1-NN": (whitened, CE),
            "full, whitened 1-NN + 2 gallery views": (whitened_views, CE),
            "full, sure by each item's spread": (spread, ARCFACE),
            "full, sure by energy": (energy, ARCFACE),
            "full, second opinion": (second_opinion, ARCFACE),
        },
        {"finetune": "all"},
    ),
    "mining": Network(
        Looking.trained,
        {"full, mining from pass 4": (default, ARCFACE)},
        {"finetune": "all", "mining_from": 4},
    ),
}


def tuned(row: str, **changes: Any) -> Network:
    """A network that learned with something changed."""
    rows: Rows = {row: (default, {"loss": changes.get("loss", SETTINGS.loss)})}
    return Network(Looking.finetuned, rows, {"finetune": "all", **changes})


VISITORS = Augment(glare=True, perspective=True, jpeg=True)
NETWORKS |= {
    "ce": tuned("full, ce", **CE),
    "triplet": tuned("full, ce+triplet", **TRIPLET),
    "last": tuned("last layers, ce+arcface", finetune="last"),
    "no EMA": tuned("full, without EMA", ema=0.0),
    "mixup": tuned("full, mixup", mixup=0.4),
    "cutmix": tuned("full, cutmix", cutmix=1.0),
    "layer decay": tuned("full, layer decay 0.8", layer_decay=0.8),
    "visitors": tuned("full, glare, perspective, JPEG", augment=VISITORS),
}
RIVALS = "rivals"
RIVAL_ROWS = (REFERENCE, "timm features, scikit-learn logistic regression", "pytorch-metric-learning's loop")


class Bench:
    """The photos, and what has been measured so far."""

    def __init__(self, stage: Stage) -> None:
        self.museums, self.stage = Museums.load(), stage
        self.done = _read()
        self.frozen: dict[str, tuple[Seen, float]] = {}

    def measure(self, name: str, network: Network, seed: int) -> None:
        """All rows of a network for one split, unless they are there."""
        missing = [row for row in network.rows if str(seed) not in self.done.get(row, {})]
        if not missing:
            return
        seen, seconds = self._see(name, network, seed)
        for row in missing:
            head, changes = network.rows[row]
            began = time.monotonic()
            settings = attrs.evolve(SETTINGS, seed=seed, **changes)
            self.keep(row, seed, head(self.museums, seen, seed, settings), began - seconds)

    def keep(self, row: str, seed: int, outcome: Outcome, began: float) -> None:
        """Other processes may be measuring other seeds."""
        seconds = round(time.monotonic() - began, 1)
        with FileLock(Path(gettempdir()) / "ai-lens-accuracy.lock"):
            self.done = _read()
            self.done.setdefault(row, {})[str(seed)] = {**outcome.measure(), "seconds": seconds}
            write_json(RESULTS, self.done)

    def _see(self, name: str, network: Network, seed: int) -> tuple[Seen, float]:
        """A frozen network sees the same whatever the split."""
        settings = attrs.evolve(SETTINGS, seed=seed, **network.settings)
        looking = Looking(self.museums, self.stage, settings, **network.looking)
        if settings.finetune != "none":
            return network.look(looking)
        if name not in self.frozen:
            self.frozen[name] = network.look(looking)
        return self.frozen[name]


def _read() -> Done:
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def measure_rivals(bench: Bench, seeds: Sequence[int]) -> None:
    """What others would do; their photos are decoded once."""
    import rivals

    if all(str(seed) in bench.done.get(row, {}) for row in RIVAL_ROWS for seed in seeds):
        return
    museums, user = bench.museums, rivals.TimmUser()
    files = [photo.path for photo in museums.dataset.photos]
    photos, ood = rivals.images_of(files), rivals.images_of(museums.ood_files)
    began = time.monotonic()
    seen = rivals.seen_by(user.net, user, photos, ood)
    looking = time.monotonic() - began
    for seed in seeds:
        for row, head in zip(RIVAL_ROWS, (nearest, logistic), strict=False):
            began = time.monotonic()
            bench.keep(row, seed, head(museums, seen, seed, SETTINGS), began - looking)
        if str(seed) not in bench.done.get(RIVAL_ROWS[2], {}):
            began = time.monotonic()
            outcome = rivals.metric_learning_loop(museums, photos, ood, seed)
            bench.keep(RIVAL_ROWS[2], seed, outcome, began)


def table(done: Done) -> Iterator[list[str]]:
    """A line per row: mean ± sd over the seeds measured, the gain over the reference, what it costs.

    Seconds are the least of all seeds: whatever else the machine did meanwhile only adds to them.
    """
    reference = done[REFERENCE]
    rows = (*RIVAL_ROWS, *(row for network in NETWORKS.values() for row in network.rows))
    for name in filter(done.get, rows):
        by_seed = done[name]
        values = {
            measure: [one[measure] for one in by_seed.values()]
            for measure in (*MEASURES, "seconds", "milliseconds")
        }
        cells = [_spread(values[one]) for one in MEASURES]
        both = [seed for seed in by_seed if seed in reference]
        gains = [
            interval([by_seed[seed][one] - reference[seed][one] for seed in both]) if len(both) > 1 else ""
            for one in ("top1", "untrained")
        ]
        cost = np.median(values["milliseconds"])
        seconds = f"{min(values['seconds']):.0f}"
        yield [name, str(len(by_seed)), *cells, *gains, seconds, f"{cost:.0f}" if cost else ""]


def differences(done: Done) -> Iterator[list[str]]:
    """How others, the default without fine-tuning, and every fine-tuned row differ from the default."""
    usual = done.get(DEFAULT, {})
    tuned_rows = (row for one in NETWORKS.values() if one.settings["finetune"] != "none" for row in one.rows)
    for name in (*RIVAL_ROWS, "frozen, ce+arcface", *tuned_rows):
        both = [seed for seed in done.get(name, {}) if seed in usual]
        if name != DEFAULT and len(both) > 1:
            found = done[name]
            gains = [interval([found[seed][one] - usual[seed][one] for seed in both]) for one in COMPARED]
            yield [name, str(len(both)), *gains]


def _spread(values: Sequence[float]) -> str:
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"


HEAD = (
    "recipe",
    "seeds",
    "top-1",
    "top-3",
    "AUROC all",
    "AUROC untrained",
    "AUROC other places",
    "FPR@95",
    "top-1, gain over 1-NN",
    "AUROC untrained, gain over 1-NN",
    "seconds to train",
    "ms more per photo asked",
)
DEFAULT = "full, ce+arcface"
COMPARED = ("top1", "untrained", "fpr95")
COMPARED_HEAD = ("recipe", "seeds", "top-1", "AUROC untrained", "FPR@95")
COMPARED_TITLE = f"Paired differences from the default ({DEFAULT}), mean ± sd (95 % interval of the mean)"
TITLE = "Museum photos: mean ± sd over seeds; paired gains with the 95 % interval of their mean"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--only", nargs="+", choices=[RIVALS, *NETWORKS], default=[RIVALS, *NETWORKS])
    chosen = parser.parse_args()
    need_shared()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    with TemporaryDirectory() as nothing_yet, stages() as stage:
        os.environ["AI_LENS_CACHE_DIR"] = nothing_yet  # so that seconds are those of a first time
        bench = Bench(stage)
        if RIVALS in chosen.only:
            measure_rivals(bench, chosen.seeds)
        for seed in chosen.seeds:
            for name, network in NETWORKS.items():
                if name in chosen.only:
                    bench.measure(name, network, seed)
    report(__file__, TITLE, HEAD, list(table(bench.done)), bench.done)
    compared = list(differences(bench.done))
    report(__file__, COMPARED_TITLE, COMPARED_HEAD, compared, compared, name="differences")


if __name__ == "__main__":
    sys.exit(main())
