"""One step of learning after the other: the same on one device, in pieces, and shared by several processes.

The loss is always that of the whole batch, which metric losses need: embeddings of all its photos are
brought together, the loss says how each should move, and each photo's part goes back through the network
where it came from (Gao et al., 2021, GradCache).
"""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lens_core.settings import Settings
from lens_core.training import devices, heads
from lens_core.training.learner import Learner
from lens_core.training.mixing import mix
from lens_core.training.precision import keep_slow_layers_in_float32

WARM_UP_SHARE = 0.1
AVERAGED_SHARE = 0.4
"""Of all steps, over how many weights are averaged at most: over more, a short training would end near where
it began."""


class Engine:
    """A learner on its device, its optimizer, and the average of its weights."""

    def __init__(self, learner: Learner, settings: Settings, step_count: int) -> None:
        self.settings = settings
        self.device = devices.accelerator().device
        self.learner = learner
        if self.device.type == "cpu" and settings.hardware.precision == "bfloat16":
            keep_slow_layers_in_float32(learner)
        learner.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.embed: Any = torch.compile(learner.embed) if settings.hardware.compile else learner.embed
        past = min(settings.ema, max(0.0, 1 - 1 / (AVERAGED_SHARE * step_count)))
        average = get_ema_multi_avg_fn(past)  # type: ignore[no-untyped-call]
        self.average = AveragedModel(self.learner, multi_avg_fn=average, use_buffers=True)
        self.optimizer = torch.optim.AdamW(learner.parameter_groups(), weight_decay=settings.weight_decay)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: warm_up_then_cosine(step, step_count)
        )

    @property
    def smoothed(self) -> Learner:
        """The learner as it will be used: with the average of its weights."""
        return cast("Learner", self.average.module).eval()

    def start_from(self, features: torch.Tensor, labels: torch.Tensor) -> None:
        """Let the heads begin where the backbone's features of all photos (float32[N, F]) put them."""
        learner, average = self.learner, self.smoothed
        heads.start_from(features, labels.to(self.device), learner.net.embed, learner.objective)
        for head, copy in ((learner.net.embed, average.net.embed), (learner.objective, average.objective)):
            weights = devices.from_main({name: value.cpu() for name, value in head.state_dict().items()})
            head.load_state_dict(weights)
            copy.load_state_dict(weights)

    def step(self, images: torch.Tensor, labels: torch.Tensor) -> float:
        """Learn from a batch and return its loss: this process's own part of its photos, all its labels."""
        images, share = mix(images, self.settings, len(labels) // devices.process_count())
        count = self._piece_count(len(images))
        pieces = torch.tensor_split(images.to(self.device), count)
        labels = labels.to(self.device)
        alone = len(pieces) == 1
        with torch.set_grad_enabled(alone):
            own = torch.cat([self._embed(piece, number) for number, piece in enumerate(pieces)])
        embeddings = devices.gather(own.detach(), len(labels)).requires_grad_()
        self.optimizer.zero_grad()
        loss = self._loss(embeddings, labels, share)
        loss.backward()  # type: ignore[no-untyped-call]
        wanted = devices.own_part(cast("torch.Tensor", embeddings.grad))
        if alone:
            torch.autograd.backward(own, wanted)
        else:
            parts = torch.tensor_split(wanted, count)
            for number, (piece, part) in enumerate(zip(pieces, parts, strict=True)):
                torch.autograd.backward(self._embed(piece, number), part)
        devices.add_up_gradients(self.learner.net.parameters())
        self.optimizer.step()
        self.schedule.step()
        self.average.update_parameters(self.learner)
        return float(loss.detach())

    def _piece_count(self, photos: int) -> int:
        """Into how many pieces, one at least, these photos are split."""
        size = self.settings.hardware.micro_batch or max(1, photos)
        count = -(-photos // size)
        if not self.settings.published:
            count = min(count, photos // 2)  # BatchNorm cannot learn from one photo
        return max(1, count)

    def _embed(self, piece: torch.Tensor, number: int) -> torch.Tensor:
        """The same each time it is asked about a piece, whatever the network leaves to chance."""
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(torch.initial_seed() + number)
            embeddings: torch.Tensor = self.embed(piece)
        return embeddings

    def _loss(self, embeddings: torch.Tensor, labels: torch.Tensor, share: float) -> torch.Tensor:
        objective = self.learner.objective
        loss: torch.Tensor = objective(embeddings, labels)
        if share == 1:
            return loss
        others = labels.clone()
        processes = devices.process_count()
        for first in range(processes):  # photos are mixed within each process's own part
            others[first::processes] = labels[first::processes].roll(1)
        other_loss: torch.Tensor = objective(embeddings, others)
        return share * loss + (1 - share) * other_loss

    def modules(self) -> dict[str, nn.Module]:
        """What a state is made of, besides the optimizer's."""
        return {"learner": self.learner, "average": self.average}

    def rewind(self, steps: int) -> None:
        """Learning rates as after so many steps."""
        self.schedule.last_epoch = steps
        groups, bases, factors = (
            self.optimizer.param_groups,
            self.schedule.base_lrs,
            self.schedule.lr_lambdas,
        )
        for group, base, factor in zip(groups, bases, factors, strict=True):
            group["lr"] = base * factor(steps)


def warm_up_then_cosine(step: int, step_count: int) -> float:
    """The share of the learning rate at a step: a linear rise, then half a cosine down to zero."""
    warm_up = max(1, round(WARM_UP_SHARE * step_count))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, step_count - warm_up)))
