"""``ai-lens train``: from a folder of photos to a model that knows how sure it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs
import numpy as np
import torch

from lens_core.artifacts import runs
from lens_core.artifacts.atomic import only_writer
from lens_core.artifacts.cache import cache_folder
from lens_core.artifacts.provenance import Origin
from lens_core.photos import metadata
from lens_core.photos.layout import Dataset
from lens_core.photos.strays import StrayPhoto
from lens_core.progress import Stage, Tell, silent, tell_nobody
from lens_core.settings import Settings, flatten
from lens_core.training.advice import advice_on
from lens_core.training.cost import EPOCHS, NETWORKS, Plan, in_words, plan
from lens_core.training.desk import Desk, TrainedRun
from lens_core.training.devices import from_main, is_main
from lens_core.training.finetune import STARTING_OVER
from lens_core.training.learn import learn
from lens_core.training.lesson import gather
from lens_core.training.network import LensNet, make_backbone
from lens_core.training.networks import Measured, tune
from lens_core.training.passes import watch_nothing
from lens_core.training.recipes import fit_on_features
from lens_core.training.split import FOLDS, folds
from lens_core.training.tracking import Trackers, tracked

_OF_FINE_TUNING = (
    "train_size", "patience", "layer_decay", "ema", "mixup", "cutmix", "mining_from", "hardware.precision",
    "hardware.micro_batch", "hardware.workers", "hardware.compile",
)  # fmt: skip
"""Settings that heads alone do not know."""


def train(
    settings: Settings,
    dataset: Dataset,
    save_dir: Path,
    *,
    strays: Sequence[StrayPhoto] = (),
    version: str | None = None,
    origin: Origin | None = None,
    stage: Stage = silent,
    tell: Tell = tell_nobody,
) -> TrainedRun | None:
    """Train on the photos of a data set and write ``best.ckpt`` and ``metrics.json`` to ``save_dir``.

    ``strays`` are photos that must be refused. ``version`` is that of the model; None: what follows from the
    one before (:mod:`lens_core.artifacts.versions`). ``origin`` says how the run was started. Running it
    again in the same folder reuses features and goes on with an interrupted fine-tuning. Fine-tuning leaves
    ``best_top1.ckpt``, ``best_auroc_reject.ckpt`` and ``last.ckpt``, too; stopped by Ctrl-C, these alone.
    Of several processes that ``torchrun`` has started, one does all but the fine-tuning; the others answer
    None.

    Raises DataError (E1xx), for ``metadata.json`` at once, PluginError (E4xx), CannotWriteError (E700),
    BusyError (E710) or NotEnoughMemoryError (E730).
    """
    with _only_writer(save_dir):
        metadata.read(dataset.root)
        torch.manual_seed(settings.seed)
        net = LensNet(make_backbone(settings), settings.embedding_dim, len(dataset.items)).eval()
        planned = from_main(plan(net, settings, len(dataset.photos)))
        desk = Desk(planned.settings, dataset, strays, save_dir, version, origin or Origin.here(), stage)
        if not is_main():
            if planned.finetunes:
                tune(net, desk, watch_nothing, tell)
            return None
        for line in _announced(planned, settings):
            tell(line)
        runs.keep_decided(save_dir, planned.settings)
        if not planned.finetunes and (save_dir / runs.TUNING).exists():
            tell(STARTING_OVER)
        with tracked(planned.settings, save_dir, tell) as trackers:
            measured = None
            if planned.finetunes:
                measured = tune(net, desk, trackers.watch, tell)
            return _train(net, desk, measured, trackers)


def _train(net: LensNet, desk: Desk, measured: Measured | None, trackers: Trackers) -> TrainedRun:
    dataset, strays, settings, stage = desk.dataset, desk.strays, desk.settings, desk.stage
    title = "Learning, and testing on held-out photos"
    if measured is None:
        lesson, features = gather(dataset, strays, net, settings, stage)
        splits = list(folds(lesson.labels, lesson.shots, FOLDS, settings.seed))
        learned = learn(lesson, splits, stage(title))
    else:
        lesson, _ = gather(dataset, strays, measured.net, settings, stage)
        withheld = measured.withheld
        learned = learn(lesson, [withheld.split], stage(title), seen=withheld.learned)
        final, features = gather(dataset, (), net, settings, stage, keep=False)
        fitted = fit_on_features(final, np.arange(len(final.labels)), settings.seed)
        learned = attrs.evolve(learned, fitted=fitted)
    run = desk.leave(net, learned, features, measured=measured is not None)
    trackers.conclude(run.metrics)
    advice = advice_on(learned.answers, measured.passes if measured else ())
    return attrs.evolve(run, warnings=(*lesson.warnings, *advice))


def _announced(planned: Plan, wanted: Settings) -> Iterator[str]:
    settings = planned.settings
    time = in_words(NETWORKS * planned.seconds)
    passes = settings.epochs or EPOCHS
    if planned.finetunes and (settings.mining_from or 0) > passes:
        yield f"warning: without effect in {passes} passes: mining_from {settings.mining_from}"
    if planned.finetunes:
        what = "The backbone learns" if settings.finetune == "all" else "The backbone's last layers learn"
        yield (
            f"{what} too, at {settings.train_size} pixels, once to be measured and once from all photos: "
            f"{time}. (--finetune none: {in_words(planned.looking)})"
        )
        return
    looking = f"Looking at the photos takes {in_words(planned.looking)}, unless that is kept from before."
    learning = f" If it learned, too: {time}. (--finetune all)" if wanted.finetune == "auto" else ""
    yield f"The backbone stays as it was published. {looking}{learning}"
    now, before = flatten(settings), flatten(Settings())
    idle = [name for name in _OF_FINE_TUNING if now[name] != before[name]]
    if idle:
        yield f"warning: without effect where the backbone does not learn: {', '.join(idle)}"


@contextmanager
def _only_writer(save_dir: Path) -> Iterator[None]:
    """One training run at a time in a folder. Of processes that train together only the first one asks."""
    if not is_main():
        yield
        return
    name = hashlib.sha256(str(save_dir.resolve()).encode()).hexdigest()[:24]
    with only_writer(save_dir, cache_folder() / "locks" / name):
        yield
