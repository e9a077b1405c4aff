"""Fine-tuning: the backbone learns from changed views of the photos, pass after pass."""

from __future__ import annotations

import copy
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import safetensors.torch
import torch
from attrs import field, frozen

from lens_core.artifacts import container
from lens_core.contracts import Photo
from lens_core.errors import BrokenPluginError, NotEnoughMemoryError
from lens_core.progress import Progress, Stage, Tell, silent, tell_nobody
from lens_core.settings import Settings
from lens_core.training import devices, sampling, state
from lens_core.training.cost import EPOCHS, at_size
from lens_core.training.engine import Engine
from lens_core.training.learner import Learner
from lens_core.training.memory import keep_freed_memory
from lens_core.training.mining import Pair, confused, emphasis
from lens_core.training.network import LensNet
from lens_core.training.passes import BEST, Best, Pass, Watch, figures_of, in_words, pass_of, watch_nothing
from lens_core.training.split import Labels
from lens_core.training.stopping import Wish, after_this_step
from lens_core.training.validation import HeldOut, Marks, directions_of, features_of, validate
from lens_core.training.views import ChangedViews, batches, some

STATE = "state"
WEIGHTS = "model.safetensors"
SAVE_EVERY = 120.0
"""Seconds after which the state is kept within a pass, too."""
STARTING_OVER = (
    "What was learned here before is damaged, or of other photos, weights or settings: starting over."
)


@frozen(eq=False)
class Taught:
    """N photos that the network learns from."""

    photos: Sequence[Photo]
    labels: Labels
    """int64[N], from 0 to ``class_count`` - 1."""
    class_count: int
    hashes: Sequence[str] = ()
    """SHA-256 of each photo's file: of these it goes on, of others it starts over."""

    @property
    def about(self) -> tuple[Any, ...]:
        """What tells it from any other."""
        return self.class_count, self.labels.tolist(), tuple(self.hashes)


@frozen(eq=False)
class Tuned:
    """What fine-tuning leaves."""

    last: Learner
    """After the last pass."""
    passes: tuple[Pass, ...]
    best: Best
    folder: Path
    wish: Wish = field(factory=Wish)
    """Whether somebody stopped it."""

    @property
    def chosen_pass(self) -> int:
        """The last, to which the learning rate has fallen; with ``patience`` the best."""
        return self.best.get(BEST, len(self.passes)) if self.last.settings.patience else len(self.passes)

    @property
    def chosen(self) -> Learner:
        """The network after that pass."""
        return self.last if self.chosen_pass == len(self.passes) else self.after(BEST)

    def after(self, name: str) -> Learner:
        """The network of ``best``, ``best_top1`` or ``best_auroc_reject``."""
        learner = copy.deepcopy(self.last)
        tensors = container.read(state.weights_file(self.folder, name))[WEIGHTS]
        learner.load_state_dict(safetensors.torch.load(tensors))
        return learner.eval()


def finetune(
    net: LensNet,
    taught: Taught,
    settings: Settings,
    folder: Path,
    *,
    held_out: HeldOut | None = None,
    dwell_on: Sequence[Pair] = (),
    until: int | None = None,
    looking: Stage = silent,
    progress: Progress,
    tell: Tell = tell_nobody,
    watch: Watch = watch_nothing,
) -> Tuned:
    """Train ``net.backbone`` in place, keeping in ``folder`` what it takes to go on.

    ``settings`` are those of a :class:`lens_core.training.cost.Plan`. It goes on from what an interrupted
    run with the same settings and photos left in the folder; what any other run left there is replaced. Asked
    to stop, it ends after the step under way. ``dwell_on`` are the confused items, where there are no
    held-out photos to find them by; ``until`` ends it after so many passes. ``looking`` shows how the photos
    are looked at before it learns. Raises NotEnoughMemoryError (E730).
    """
    keep_freed_memory()
    with after_this_step(tell) as wish:
        try:
            training = FineTuning(net, taught, settings, folder, held_out, tuple(dwell_on), until)
            training.resume(tell)
            training.begin(looking)
            training.go_on(wish, progress, tell, watch)
        except (MemoryError, RuntimeError) as error:
            if not _is_about_memory(error):
                raise
            raise NotEnoughMemoryError(*_advice(settings)) from error
        except BrokenPluginError as error:
            if not _is_about_memory(error.__cause__):
                raise
            raise NotEnoughMemoryError(*_advice_on_loss(settings)) from error
    return training.result(wish)


class FineTuning:
    """What is trained and how far it is."""

    def __init__(
        self,
        net: LensNet,
        taught: Taught,
        settings: Settings,
        folder: Path,
        held_out: HeldOut | None = None,
        dwell_on: tuple[Pair, ...] = (),
        until: int | None = None,
    ) -> None:
        torch.manual_seed(settings.seed)
        self.taught, self.settings, self.folder, self.held_out = taught, settings, folder, held_out
        self.dwell_on, self.until = dwell_on, until
        self.labels = torch.from_numpy(taught.labels)
        self.epochs = settings.epochs or EPOCHS
        photos = len(taught.photos)
        self.steps_per_pass = max(1, min(-(-photos // settings.batch_size), photos // 2))  # never one photo
        learner = Learner(net, taught.class_count, settings)
        self.engine = Engine(learner, settings, self.epochs * self.steps_per_pass)
        self.preprocess = at_size(net.preprocess, settings.train_size)
        asked = held_out and held_out.about
        self.identity = state.identity_of(settings, net.full_name, taught.about, asked, dwell_on, until)
        self.passes: list[Pass] = []
        self.best: Best = {}
        self.step, self.loss_sum = 0, 0.0
        self.saved = time.monotonic()

    @property
    def done(self) -> int:
        """Steps, in all."""
        return len(self.passes) * self.steps_per_pass + self.step

    @property
    def last_pass(self) -> int:
        return self.until or self.epochs

    @property
    def ended(self) -> bool:
        last = len(self.passes)
        patience = self.settings.patience
        waited = patience and BEST in self.best and last - self.best[BEST] >= patience
        return last >= self.last_pass or bool(waited)

    def begin(self, stage: Stage) -> None:
        """Under random heads a published backbone forgets before they have learned anything: they begin where
        heads alone would (Kumar et al., 2022)."""
        learner, photos = self.engine.learner, self.taught.photos
        if self.done or not self.settings.published:
            return
        own = devices.own_part(torch.arange(len(photos)))
        progress = stage("Looking at the photos before it learns")
        seen = features_of(learner, some(photos, own.tolist()), progress)
        self.engine.start_from(devices.gather(seen, len(photos)), self.labels)

    def go_on(self, wish: Wish, progress: Progress, tell: Tell, watch: Watch) -> None:
        """Until the end, or until somebody wishes it to stop."""
        total = self.last_pass * self.steps_per_pass
        progress(self.done, total)
        while not self.ended:
            for _ in self._steps():
                progress(self.done, total)
                if devices.any_process(wish.signal is not None):
                    wish.signal = wish.signal or signal.SIGTERM  # another process has heard it
                    self.save()
                    return
                if time.monotonic() - self.saved > SAVE_EVERY:
                    self.save()
            self._end_pass()
            if devices.is_main():
                tell(in_words(self.passes[-1], self.epochs))
                watch(self.passes, self.best)  # before it is kept: rather twice than never
            self.save()

    def result(self, wish: Wish) -> Tuned:
        self.engine.learner.cpu()  # what the network was before: whoever gave it goes on with it
        learner = self.engine.smoothed.cpu()
        return Tuned(learner, tuple(self.passes), self.best, self.folder, wish)

    def _steps(self) -> Iterator[None]:
        """Those left of a pass. Each draws from a seed of its own, so that going on needs no memory."""
        seed = self.settings.seed * 1000 + len(self.passes)
        order = self._order(seed)
        parts = torch.tensor_split(order, self.steps_per_pass)
        positions = torch.tensor_split(torch.arange(len(order)), self.steps_per_pass)
        views = ChangedViews(
            some(self.taught.photos, order.tolist()),
            self.preprocess,
            self.settings.augment,
            seed,
        )
        self.engine.learner.train()
        own = [devices.own_part(part) for part in positions[self.step :]]
        shown = batches(views, own, self.settings.hardware.workers)
        for images, rows in zip(shown, parts[self.step :], strict=True):
            torch.manual_seed(seed * 100_000 + self.step)
            self.loss_sum += self.engine.step(images, self.labels[rows])
            self.step += 1
            yield

    def _order(self, seed: int) -> torch.Tensor:
        """int64[N]: which photos are shown in this pass, one after the other."""
        torch.manual_seed(seed)
        settings, labels, count = self.settings, self.labels, self.taught.class_count
        rows = sampling.shown(labels, settings.balance)
        weights = torch.ones(count)
        if settings.balance == "weights":
            weights = sampling.class_weights(labels, count)
        pairs = self._pairs
        if pairs:
            dwelling = emphasis(pairs, count)
            rows = sampling.dwelt_on(rows, dwelling[labels[rows]])
            weights = weights * dwelling * len(labels) / dwelling[labels].sum()
        self.engine.learner.objective.weigh(weights)
        return sampling.shuffled(rows, labels, [(pair.first, pair.second) for pair in pairs])

    @property
    def _pairs(self) -> tuple[Pair, ...]:
        """What the coming pass dwells on."""
        start = self.settings.mining_from
        if not start or len(self.passes) + 1 < start:
            return ()
        return self.dwell_on or (self.passes[-1].confused if self.passes else ())

    def _end_pass(self) -> None:
        loss = self.loss_sum / self.steps_per_pass
        marks = self._ask() if devices.is_main() else None
        self.passes.append(devices.from_main(self._about_pass(loss, marks)))
        self.step, self.loss_sum = 0, 0.0
        for name, figure in figures_of(self.passes[-1]).items():
            if name not in self.best or figure > figures_of(self.passes[self.best[name] - 1])[name]:
                self.best[name] = len(self.passes)
                self._keep(name)

    def _about_pass(self, loss: float, marks: Marks | None) -> Pass:
        about = Pass(len(self.passes) + 1, loss, self.engine.optimizer.param_groups[1]["lr"])
        if marks is None or self.held_out is None:
            return about
        return attrs.evolve(
            about,
            held_out_loss=marks.loss,
            top1=marks.top1,
            auroc_reject=marks.auroc_reject,
            confused=tuple(confused(marks, self.held_out.labels)),
        )

    def _ask(self) -> Marks | None:
        """How well it does now on the held-out photos, where there are any."""
        if self.held_out is None:
            return None
        learner = self.engine.smoothed
        directions = directions_of(learner, self.taught.photos, self.taught.labels)
        return validate(learner, directions, self.held_out)

    def _keep(self, name: str) -> None:
        if devices.is_main():
            tensors = {
                key: value.cpu().contiguous() for key, value in self.engine.smoothed.state_dict().items()
            }
            path = state.weights_file(self.folder, name)
            container.write(path, {WEIGHTS: safetensors.torch.save(tensors)})

    def save(self) -> None:
        """Keep everything needed to go on, whole or not at all."""
        self.saved = time.monotonic()
        if not devices.is_main():
            return
        about = {
            "identity": self.identity,
            "steps": self.done,
            "step": self.step,
            "loss_sum": self.loss_sum,
            "passes": [attrs.asdict(one) for one in self.passes],
            "best": self.best,
        }
        state.save(self.folder / STATE, self.engine, about)

    def resume(self, tell: Tell) -> None:
        """Go on where :meth:`save` left off, if it was this run and the file is whole."""
        tell = tell if devices.is_main() else tell_nobody
        path = self.folder / STATE
        about = state.load(path, self.engine, self.identity)
        if about is None:
            if path.exists():
                tell(STARTING_OVER)
            return
        self.step, self.loss_sum, self.best = about["step"], about["loss_sum"], about["best"]
        self.passes = [pass_of(one) for one in about["passes"]]
        if self.ended:
            tell(f"Going on after pass {len(self.passes)}, the last.")
        else:
            tell(f"Going on in pass {len(self.passes) + 1}, where it was stopped.")


def _is_about_memory(error: BaseException | None) -> bool:
    """PyTorch has an error of its own for GPUs only."""
    told = isinstance(error, (MemoryError, torch.OutOfMemoryError))
    return told or ("memory" in str(error) and "alloc" in str(error))


def _advice(settings: Settings) -> tuple[str, str]:
    """(what happened, what to do)."""
    micro_batch = settings.hardware.micro_batch or settings.batch_size
    if micro_batch > 1:
        fewer = f"Set hardware.micro_batch to {max(1, micro_batch // 2)}: it learns the same, a little slower"
    else:
        fewer = "Set a smaller train_size"
    return (
        f"{micro_batch} photos of {settings.train_size} pixels at once are too many for the memory.",
        f"{fewer}; or train less of the backbone (--finetune last or none).",
    )


def _advice_on_loss(settings: Settings) -> tuple[str, str]:
    """(what happened, what to do) where a loss compares more than the memory holds."""
    return (
        f"Comparing {settings.batch_size} photos in '{settings.loss}' takes more memory than there is.",
        f"Set batch_size to {max(2, settings.batch_size // 2)}, or another loss.",
    )
