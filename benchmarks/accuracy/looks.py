"""How features come about: from a frozen network, from one that was fine-tuned, or as ``train`` does it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs
import torch
from heads import Seen
from protocol import SETTINGS, Museums, split_per_item, train_photos

from lens_core.contracts import Floats
from lens_core.progress import Stage
from lens_core.settings import Settings
from lens_core.training import checkpoint
from lens_core.training.cost import at_size, plan
from lens_core.training.features import VIEWS, compute
from lens_core.training.finetune import Taught, finetune
from lens_core.training.network import LensNet, make_backbone
from lens_core.training.train import train
from lens_core.training.views import keep_photos


@attrs.frozen
class Looking:
    """The photos, and how to look at them."""

    museums: Museums
    stage: Stage
    settings: Settings
    views: int = VIEWS
    sizes: Sequence[int] = ()
    """At which photos are looked at, too."""
    change: Callable[[LensNet], None] = lambda net: None

    @property
    def paths(self) -> list[Path]:
        return [photo.path for photo in self.museums.dataset.photos]

    def frozen(self) -> tuple[Seen, float]:
        """(what the published network sees, the seconds that took for the training photos)."""
        return self._seen_by(self._fresh().eval())

    def finetuned(self) -> tuple[Seen, float]:
        """A network that learned from the training photos of the settings' seed."""
        seed = self.settings.seed
        train_rows, _ = split_per_item(self.museums.labels, seed)
        labels = self.museums.labels[train_rows]
        began = time.monotonic()
        torch.manual_seed(seed)
        net = self._fresh()
        planned = plan(net, self.settings, len(train_rows))
        size = at_size(net.preprocess, planned.settings.train_size)
        photos = keep_photos([self.paths[row] for row in train_rows], size, self.stage("Reading the photos"))
        taught = Taught(photos, labels, len(self.museums.place_of))
        with TemporaryDirectory() as folder:
            tuned = finetune(
                net,
                taught,
                planned.settings,
                Path(folder),
                progress=self.stage(f"Fine-tuning, seed {seed}"),
            )
            tuned.wish.obey()
            net.load_state_dict(tuned.chosen.net.state_dict())
        seconds = time.monotonic() - began
        seen, looking = self._seen_by(net.eval())
        return seen, seconds + looking

    def trained(self) -> tuple[Seen, float]:
        """What ``ai-lens train`` leaves."""
        dataset = train_photos(self.museums, self.settings.seed)
        with TemporaryDirectory() as folder:
            began = time.monotonic()
            run = train(self.settings, dataset, Path(folder), stage=self.stage)
            assert run is not None
            seconds = time.monotonic() - began
            net, _ = checkpoint.load(run.checkpoint)
        seen, _ = self._seen_by(net)
        return seen, seconds

    def _fresh(self) -> LensNet:
        net = LensNet(make_backbone(self.settings), self.settings.embedding_dim, 1)
        self.change(net)
        return net

    def _seen_by(self, net: LensNet) -> tuple[Seen, float]:
        began = time.monotonic()
        progress = self.stage("Looking at the photos")
        exhibits = self._compute(self.paths, net, views=self.views, progress=progress)
        seconds = 0.8 * (time.monotonic() - began)  # four fifths of them are trained on
        began = time.monotonic()
        other_sizes = [self._at(net, size) for size in self.sizes]
        photos = len(self.paths) + len(self.museums.ood_files)
        milliseconds = 1000 * (time.monotonic() - began) / photos
        ood = self._compute(self.museums.ood_files, net)
        return Seen(exhibits, ood.values[:, 0], other_sizes, milliseconds), seconds

    def _at(self, net: LensNet, size: int) -> tuple[Floats, Floats]:
        usual = net.preprocess
        net.preprocess = at_size(usual, size)
        exhibits, ood = (
            self._compute(paths, net).values[:, 0] for paths in (self.paths, self.museums.ood_files)
        )
        net.preprocess = usual
        return exhibits, ood

    def _compute(self, paths: Sequence[Path], net: LensNet, views: int = 0, **shown: Any) -> Any:
        return compute(paths, net, augment=SETTINGS.augment, views=views, keep=False, **shown)
