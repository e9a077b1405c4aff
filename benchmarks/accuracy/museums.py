"""The recipes of ai-lens, one switch each, and what others would do, on photos of 42 exhibits in 3 museums.

How it is measured stands in protocol.py. Hours of two cores: what is done is kept in results.json, and the
same command goes on. ``--seeds 0 1`` measures some seeds, ``--only full`` the networks of that name.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs
import numpy as np
import torch
from heads import Seen, default, logistic, nearest, prototypes, whitened, whitened_views
from protocol import MEASURES, SEEDS, SETTINGS, Museums, Outcome, interval, split_per_item
from shared import need_shared, report

from lens_core.artifacts.atomic import write_json
from lens_core.cli.say import stages
from lens_core.progress import Stage
from lens_core.settings import Settings
from lens_core.training.cost import at_size, plan
from lens_core.training.features import VIEWS, compute
from lens_core.training.finetune import Taught, finetune
from lens_core.training.network import LensNet, make_backbone
from lens_core.training.views import keep_photos

RESULTS = Path(__file__).with_name("results.json")
Head = Callable[[Museums, Seen, int, Settings], Outcome]


@attrs.frozen
class Network:
    """How features come about, and what is made of them."""

    settings: dict[str, Any]
    rows: dict[str, tuple[Head, dict[str, Any]]]
    """By name: the heads, and their settings."""
    views: int = VIEWS
    epochs_of_heads: int | None = None


REFERENCE = "timm features, 1-NN"
CE, ARCFACE, TRIPLET = {"loss": "ce"}, {"loss": "ce+arcface"}, {"loss": "ce+triplet"}
NETWORKS = {
    "frozen": Network(
        {"finetune": "none"},
        {
            "frozen, 1-NN": (nearest, {}),
            "frozen, whitened 1-NN": (whitened, {}),
            "frozen, whitened 1-NN + 4 gallery views": (whitened_views, {}),
            "frozen, prototypes": (prototypes, {}),
            "frozen, logistic head": (logistic, {}),
        },
        views=4,
    ),
    "frozen, 2 views": Network(
        {"finetune": "none"},
        {
            "frozen, ce": (default, CE),
            "frozen, ce+arcface": (default, ARCFACE),
            "frozen, ce+triplet": (default, TRIPLET),
        },
    ),
    "full": Network(
        {"finetune": "all"},
        {
            "full fine-tuning, ce+arcface": (default, ARCFACE),
            "the same network, heads of ce": (default, CE),
            "the same network, whitened 1-NN": (whitened, {}),
            "the same network, whitened 1-NN + 2 gallery views": (whitened_views, {}),
        },
    ),
}


def tuned(name: str, **changes: Any) -> dict[str, Network]:
    """A network that learned with something changed."""
    settings = {"finetune": "all", **changes}
    loss = {"loss": changes.get("loss", SETTINGS.loss)}
    return {name: Network(settings, {name: (default, loss)})}


NETWORKS |= tuned("full fine-tuning, ce", loss="ce")
NETWORKS |= tuned("full fine-tuning, ce+triplet", loss="ce+triplet")
NETWORKS |= tuned("last layers only", finetune="last")
NETWORKS |= tuned("full + mining from pass 4", mining_from=4)
NETWORKS |= tuned("full without EMA", ema=0.0)
NETWORKS |= tuned("full + mixup", mixup=0.4)
NETWORKS |= tuned("full + cutmix", cutmix=1.0)
NETWORKS |= tuned("full + layer decay 0.8", layer_decay=0.8)


class Bench:
    """The photos, and what has been measured so far."""

    def __init__(self, stage: Stage) -> None:
        self.museums, self.stage = Museums.load(), stage
        self.paths = [photo.path for photo in self.museums.dataset.photos]
        self.done: dict[str, dict[str, dict[str, float]]] = {}
        if RESULTS.exists():
            self.done = json.loads(RESULTS.read_text(encoding="utf-8"))
        self.frozen: dict[int, tuple[Seen, float]] = {}

    def measure(self, name: str, network: Network, seed: int) -> None:
        """All rows of a network for one split, unless they are there."""
        if all(str(seed) in self.done.get(row, {}) for row in network.rows):
            return
        seen, seconds = self._see(name, network, seed)
        for row, (head, changes) in network.rows.items():
            began = time.monotonic()
            settings = attrs.evolve(SETTINGS, seed=seed, **changes)
            self.keep(row, seed, head(self.museums, seen, seed, settings), began - seconds)

    def keep(self, row: str, seed: int, outcome: Outcome, began: float) -> None:
        seconds = round(time.monotonic() - began, 1)
        self.done.setdefault(row, {})[str(seed)] = {**outcome.measure(), "seconds": seconds}
        write_json(RESULTS, self.done)

    def _see(self, name: str, network: Network, seed: int) -> tuple[Seen, float]:
        """(features of every photo, the seconds that those of the training photos took)."""
        settings = attrs.evolve(SETTINGS, seed=seed, **network.settings)
        if settings.finetune == "none":
            if network.views not in self.frozen:
                net = LensNet(make_backbone(settings), settings.embedding_dim, 1).eval()
                self.frozen[network.views] = self._features(name, net, network.views)
            return self.frozen[network.views]
        train, _ = split_per_item(self.museums.labels, seed)
        began = time.monotonic()
        torch.manual_seed(seed)
        net = LensNet(make_backbone(settings), settings.embedding_dim, 1)
        planned = plan(net, settings, len(train))
        size = at_size(net.preprocess, planned.settings.train_size)
        photos = keep_photos([self.paths[row] for row in train], size, self.stage("Reading the photos"))
        taught = Taught(photos, self.museums.labels[train], len(self.museums.place_of))
        with TemporaryDirectory() as folder:
            progress = self.stage(f"{name}, seed {seed}")
            learned = finetune(net, taught, planned.settings, Path(folder), progress=progress)
            learned.wish.obey()
            net.load_state_dict(learned.chosen.net.state_dict())
        seconds = time.monotonic() - began
        seen, looking = self._features(name, net.eval(), network.views)
        return seen, seconds + looking

    def _features(self, name: str, net: LensNet, views: int) -> tuple[Seen, float]:
        began = time.monotonic()
        augment = SETTINGS.augment
        progress = self.stage(f"Features, {name}")
        exhibits = compute(self.paths, net, augment=augment, views=views, keep=False, progress=progress)
        seconds = 0.8 * (time.monotonic() - began)  # four fifths of them are trained on
        ood = compute(self.museums.ood_files, net, augment=augment, views=0, keep=False).values[:, 0]
        return Seen(exhibits, ood), seconds


def measure_rivals(bench: Bench, seeds: list[int]) -> None:
    """What others would do; their photos are decoded once."""
    import rivals

    rows = (
        "timm features, 1-NN",
        "timm features, scikit-learn logistic regression",
        "pytorch-metric-learning's loop",
    )
    if all(str(seed) in bench.done.get(row, {}) for row in rows for seed in seeds):
        return
    museums, user = bench.museums, rivals.TimmUser()
    photos, ood = rivals.images_of(bench.paths), rivals.images_of(museums.ood_files)
    began = time.monotonic()
    seen = rivals.seen_by(user.net, user, photos, ood)
    looking = time.monotonic() - began
    for seed in seeds:
        for row, head in zip(rows, (nearest, logistic), strict=False):
            began = time.monotonic()
            bench.keep(row, seed, head(museums, seen, seed, SETTINGS), began - looking)
        if str(seed) not in bench.done.get(rows[2], {}):
            began = time.monotonic()
            outcome = rivals.metric_learning_loop(museums, photos, ood, seed)
            bench.keep(rows[2], seed, outcome, began)


def table(done: dict[str, dict[str, dict[str, float]]]) -> Iterator[list[str]]:
    """A line per row: mean ± sd over the seeds measured, the gain over the reference, the seconds."""
    reference = done[REFERENCE]
    for name, by_seed in done.items():
        values = {measure: [one[measure] for one in by_seed.values()] for measure in (*MEASURES, "seconds")}
        cells = [f"{np.mean(values[one]):.3f} ± {np.std(values[one], ddof=1):.3f}" for one in MEASURES]
        gains = [
            interval([by_seed[seed][one] - reference[seed][one] for seed in by_seed if seed in reference])
            for one in ("top1", "untrained")
        ]
        yield [name, str(len(by_seed)), *cells, *gains, f"{np.median(values['seconds']):.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--only", default="")
    chosen = parser.parse_args()
    need_shared()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    with stages() as stage:
        bench = Bench(stage)
        if not chosen.only:
            measure_rivals(bench, chosen.seeds)
        for seed in chosen.seeds:
            for name, network in NETWORKS.items():
                if chosen.only in name:
                    bench.measure(name, network, seed)
    head = [
        "recipe",
        "seeds",
        "top-1",
        "top-3",
        "AUROC all",
        "AUROC untrained",
        "AUROC other places",
        "FPR@95",
    ]
    head += ["top-1, gain over 1-NN", "AUROC untrained, gain over 1-NN", "seconds"]
    title = "Museum photos: mean ± sd over seeds; paired gains with the 95 % interval of their mean"
    report(__file__, title, head, list(table(bench.done)), bench.done)


if __name__ == "__main__":
    sys.exit(main())
