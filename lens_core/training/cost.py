"""What fine-tuning costs on this machine, told before it starts; and so, whether it is done at all."""

from __future__ import annotations

from typing import Literal

import attrs
import psutil
import torch
from attrs import frozen
from torch.utils.flop_counter import FlopCounterMode

from lens_core.contracts import Preprocess
from lens_core.errors import BadSettingError
from lens_core.parallel import cores
from lens_core.settings import Settings
from lens_core.training.devices import accelerator, count_here, process_count
from lens_core.training.features import VIEWS
from lens_core.training.memory import total_memory
from lens_core.training.network import LensNet
from lens_core.training.precision import has_fast_bfloat16

EPOCHS = 10
NETWORKS = 2
"""One to be measured, and one to be used."""
LONGEST = 30 * 60
"""Seconds of fine-tuning that ``finetune: auto`` takes for granted that somebody waits for."""
OPERATIONS_PER_SECOND = {"float32": 25e9, "bfloat16": 60e9}
"""Of one core of a processor, measured on 2 cores with AVX-512 for five networks (half to twice of it)."""
GPU_OPERATIONS_PER_SECOND = 1e13
BACKWARD = 2
"""The way back through a network takes twice the operations of the way there."""
MEMORY_SHARE = 0.5
"""Of the memory there is, what a batch may take."""
LAST_SHARE = 1 / 3
SIZE_SHARE = 2 / 3
"""An exhibit looks larger in a crop than in the whole photo: smaller crops show it at the size it will be
asked about (Touvron et al., 2019)."""
SIZE_STEP = 32


@frozen
class Cost:
    """Of one photo, shown once."""

    operations: float
    """Multiplications and additions, there and back."""
    memory: int
    """Bytes kept for the way back."""


@frozen
class Plan:
    """What will be done."""

    settings: Settings
    """With nothing left to ``auto`` or null that fine-tuning depends on."""
    seconds: float
    """About how long it takes to fine-tune one network and to look at all photos with it, or would take."""
    looking: float
    """About how long it takes to look at all photos with a network, for heads to learn from."""

    @property
    def finetunes(self) -> bool:
        return self.settings.finetune in ("last", "all")


def plan(net: LensNet, settings: Settings, photo_count: int) -> Plan:
    """Decide what is left open. The same photos and machine give the same plan.

    Raises BadSettingError (E600) where nothing would be learned.
    """
    hardware = settings.hardware
    device = accelerator().device
    precision = hardware.precision
    if precision == "auto":
        precision = "bfloat16" if has_fast_bfloat16(device) else "float32"
    if settings.finetune in ("none", "last") and not settings.published:
        raise BadSettingError(
            "pretrained: false begins with a network that has learned nothing.",
            f"Leave out finetune: {settings.finetune}.",
        )
    once = measure(net, net.preprocess.size, 0).operations
    looking = photo_count * (1 + VIEWS) * once / _speed(device, "float32")
    if settings.finetune == "none":
        return Plan(settings, 0.0, looking)
    size = _checked(net, settings.train_size) if settings.train_size else smaller_size(net)
    finetune: Literal["last", "all"] = "last" if settings.finetune == "last" else "all"
    cost = measure(net, size, LAST_SHARE if finetune == "last" else 1)
    shown = photo_count * (settings.epochs or EPOCHS)
    seconds = looking + shown * cost.operations / _speed(device, precision)
    if settings.finetune == "auto" and settings.published and NETWORKS * seconds > LONGEST:
        return Plan(attrs.evolve(settings, finetune="none"), seconds, looking)
    micro_batch = hardware.micro_batch or _fitting(cost, settings.batch_size, device)
    open_no_more = attrs.evolve(hardware, precision=precision, micro_batch=micro_batch)
    decided = attrs.evolve(settings, finetune=finetune, train_size=size, hardware=open_no_more)
    return Plan(decided, seconds, looking)


def smaller_size(net: LensNet) -> int:
    """Side in pixels to fine-tune at: two thirds of the model's, if the network takes photos of any size."""
    size = max(SIZE_STEP, round(SIZE_SHARE * net.preprocess.size / SIZE_STEP) * SIZE_STEP)
    return size if _takes(net, size) else net.preprocess.size


def _checked(net: LensNet, size: int) -> int:
    if not _takes(net, size):
        raise BadSettingError(
            f"train_size: {net.full_name} takes no photos of {size} pixels.",
            f"It takes {net.preprocess.size}; or leave train_size out.",
        )
    return size


def _takes(net: LensNet, size: int) -> bool:
    try:
        with torch.inference_mode():
            net.features(_black(size))
    except (AssertionError, RuntimeError, ValueError):
        return False
    return True


def at_size(preprocess: Preprocess, size: int | None) -> Preprocess:
    """The same preprocessing for another side of the input."""
    return attrs.evolve(preprocess, size=size) if size else preprocess


def measure(net: LensNet, size: int, learning: float = 1) -> Cost:
    """Show the network a black photo and count; ``learning`` is the share of its layers that learn."""
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    weights = {parameter.untyped_storage().data_ptr() for parameter in net.parameters()}
    counter = FlopCounterMode(display=False)
    with counter, torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        features = net.features(_black(size))
    del features
    memory = sum(size for place, size in kept.items() if place not in weights)
    return Cost((1 + learning * BACKWARD) * float(counter.get_total_flops()), round(learning * memory))


def in_words(seconds: float) -> str:
    """``about 4 minutes``: no more exact than it is."""
    minutes = seconds / 60
    if minutes < 1:
        return "less than a minute"
    if minutes < 90:
        return f"about {minutes:.0f} minute{'s' if round(minutes) > 1 else ''}"
    return f"about {minutes / 60:.0f} hours"


def _speed(device: torch.device, precision: str) -> float:
    if device.type != "cpu":
        return GPU_OPERATIONS_PER_SECOND * process_count()
    physical = psutil.cpu_count(logical=False) or 1
    return OPERATIONS_PER_SECOND[precision] * min(physical, cores())


def _fitting(cost: Cost, batch_size: int, device: torch.device) -> int:
    """How many photos at once leave enough memory."""
    if device.type == "cuda":
        there = float(torch.cuda.get_device_properties(device).total_memory)
    else:
        there = total_memory() / count_here()
    return max(1, min(batch_size, int(MEMORY_SHARE * there / max(cost.memory, 1))))


def _black(size: int) -> torch.Tensor:
    return torch.zeros(1, size, size, 3, dtype=torch.uint8)
