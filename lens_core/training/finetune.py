"""Full fine-tuning: the backbone learns from changed views of the photos; heads are fitted afterwards."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import safetensors.torch
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

from lens_core.artifacts import container
from lens_core.contracts import Photo, Preprocess
from lens_core.errors import ArtifactError
from lens_core.photos.decode import LONG_SIDE, decode
from lens_core.photos.preprocess import fit
from lens_core.progress import Progress
from lens_core.settings import Augment, Curation, Settings
from lens_core.training.augment import random_view
from lens_core.training.heads import Labels, Objective, head_lr
from lens_core.training.network import LensNet
from lens_core.training.sampling import shown

EPOCHS = 10
WARM_UP_SHARE = 0.1
EMA_DECAY = 0.98
"""Of the smoothed weights: about the mean of the last 50 steps."""


class ChangedViews(Dataset[tuple[torch.Tensor, int]]):
    """One random view of each photo shown; which one depends on the seed and its position alone."""

    def __init__(
        self, photos: Sequence[Photo], labels: Labels, preprocess: Preprocess, augment: Augment, seed: int
    ) -> None:
        self.photos, self.labels = photos, labels
        self.preprocess, self.augment, self.seed = preprocess, augment, seed

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        view = random_view(self.photos[row], self.preprocess, self.augment, self.seed * len(self) + row)
        return torch.from_numpy(view), int(self.labels[row])


def keep_photos(paths: Sequence[Path], preprocess: Preprocess, progress: Progress) -> list[Photo]:
    """Decode once and keep twice the model's size in memory: enough for the closest crop."""
    twice = attrs.evolve(preprocess, size=min(2 * preprocess.size, LONG_SIDE))

    def shrunk(path: Path) -> Photo:
        photo = decode(path)
        return attrs.evolve(photo, pixels=fit(photo.pixels, twice))

    with ThreadPoolExecutor() as pool:
        kept = []
        for photo in pool.map(shrunk, paths):
            kept.append(photo)
            progress(len(kept), len(paths))
        return kept


def finetune(
    net: LensNet,
    photos: Sequence[Photo],
    labels: Labels,
    settings: Settings,
    state_file: Path,
    progress: Progress,
) -> None:
    """Train ``net.backbone`` in place on these photos, keeping its state after every epoch.

    It goes on from a ``state_file`` that an interrupted run with the same settings and photos left; what any
    other run left there is replaced.
    """
    epochs = settings.epochs or EPOCHS
    steps_per_epoch = -(-len(photos) // settings.batch_size)
    run = FineTuning(net, photos, labels, epochs * steps_per_epoch, settings)
    if state_file.exists():
        run.resume(state_file)
    progress(run.epoch * steps_per_epoch, epochs * steps_per_epoch)
    while run.epoch < epochs:
        seed = settings.seed * 1000 + run.epoch
        torch.manual_seed(seed)
        rows = shown(torch.from_numpy(labels), settings.balance).numpy()
        views = ChangedViews(
            [photos[row] for row in rows], labels[rows], net.preprocess, settings.augment, seed
        )
        batches = DataLoader(views, settings.batch_size, shuffle=True, num_workers=os.cpu_count() or 1)
        for step in run.one_epoch(batches):
            progress(run.epoch * steps_per_epoch + step, epochs * steps_per_epoch)
        run.epoch += 1
        run.save(state_file)
    net.load_state_dict(run.smoothed.module.state_dict())
    net.eval()


class FineTuning:
    """What is trained and how far it is."""

    def __init__(
        self, net: LensNet, photos: Sequence[Photo], labels: Labels, step_count: int, settings: Settings
    ) -> None:
        torch.manual_seed(settings.seed)
        self.net, self.settings, self.epoch = net, settings, 0
        self.identity = _identity(photos, labels, settings)
        self.objective = Objective(settings, int(labels.max()) + 1)
        average = get_ema_multi_avg_fn(EMA_DECAY)  # type: ignore[no-untyped-call]
        self.smoothed = AveragedModel(net, multi_avg_fn=average, use_buffers=True)
        heads = [*net.embed.parameters(), *self.objective.parameters()]
        groups = [
            {"params": list(net.backbone.parameters()), "lr": settings.lr},
            {"params": heads, "lr": head_lr(settings)},
        ]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=settings.weight_decay)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: warm_up_then_cosine(step, step_count)
        )

    def one_epoch(self, batches: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> Iterator[int]:
        """One pass over the photos, yielding the number of each step done."""
        self.net.train()
        if self.settings.pretrained or self.settings.weights:
            _keep_batch_norm(self.net)
        for step, (images, labels) in enumerate(batches, 1):
            embeddings = self.net.embed(self.net.features(images))
            loss = self.objective(embeddings, labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            self.smoothed.update_parameters(self.net)
            yield step

    def save(self, path: Path) -> None:
        """Write everything needed to go on, whole or not at all."""
        tensors = {
            f"{part}.{name}": value.contiguous().clone()
            for part, module in self._modules().items()
            for name, value in module.state_dict().items()
        }
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": value for name, value in state.items()}
        about = {"identity": self.identity, "epoch": self.epoch, "steps": self.schedule.last_epoch}
        documents = {
            "state.json": json.dumps(about).encode(),
            "state.safetensors": safetensors.torch.save(tensors),
        }
        container.write(path, documents)

    def resume(self, path: Path) -> None:
        """Go on where :meth:`save` left off, if it was this run and the file is whole."""
        try:
            documents = container.read(path)
        except ArtifactError:
            return
        about = json.loads(documents["state.json"])
        if about["identity"] != self.identity:
            return
        tensors = safetensors.torch.load(documents["state.safetensors"])
        for part, module in self._modules().items():
            module.load_state_dict(_under(tensors, part))
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in _under(tensors, "optimizer").items():
            number, _, moment = name.partition(".")
            moments.setdefault(int(number), {})[moment] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})
        self.epoch = about["epoch"]
        self.schedule.last_epoch = about["steps"]
        for group, base, factor in zip(
            self.optimizer.param_groups, self.schedule.base_lrs, self.schedule.lr_lambdas, strict=True
        ):
            group["lr"] = base * factor(about["steps"])

    def _modules(self) -> dict[str, nn.Module]:
        return {"net": self.net, "objective": self.objective, "smoothed": self.smoothed}


def _identity(photos: Sequence[Photo], labels: Labels, settings: Settings) -> str:
    """What makes two runs the same: settings, photos and what they show."""
    settings = attrs.evolve(settings, curation=Curation())  # it says which photos, and here they are
    digest = hashlib.sha256(repr(settings).encode() + labels.tobytes())
    for photo in photos:
        digest.update(photo.pixels.tobytes())
    return digest.hexdigest()


def warm_up_then_cosine(step: int, step_count: int) -> float:
    """The share of the learning rate at a step: a linear rise, then half a cosine down to zero."""
    warm_up = max(1, round(WARM_UP_SHARE * step_count))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, step_count - warm_up)))


def _keep_batch_norm(net: nn.Module) -> None:
    """Pretrained running statistics are better than those of a few hundred photos."""
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def _under(tensors: dict[str, torch.Tensor], part: str) -> dict[str, torch.Tensor]:
    prefix = f"{part}."
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
