"""The device that fine-tuning runs on, and the processes that share it: accelerate over torchrun."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from typing import Any, cast

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list


@cache
def accelerator() -> Accelerator:
    """Joins the other processes where ``torchrun`` has started several."""
    return Accelerator(cpu=not torch.accelerator.is_available())  # it must be told that there is none


def is_main() -> bool:
    """Whether this process is the one that decides, measures, writes and speaks."""
    return bool(accelerator().is_main_process)


def process_count() -> int:
    return int(accelerator().num_processes)


def count_here() -> int:
    """How many of them share this machine's memory and cores; torchrun tells."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", 1))


def own_part(rows: torch.Tensor) -> torch.Tensor:
    """Which of a batch's rows this process does: every n-th of them."""
    return rows[accelerator().process_index :: process_count()]


def gather(own: torch.Tensor, count: int) -> torch.Tensor:
    """float32[count, D]: the rows of every process, in the batch's order, from each process's own part."""
    processes = process_count()
    if processes == 1:
        return own
    padded = own.new_zeros(-(-count // processes), own.shape[1])
    padded[: len(own)] = own
    parts = cast("torch.Tensor", accelerator().gather(padded))
    return parts.reshape(processes, *padded.shape).transpose(0, 1).reshape(-1, own.shape[1])[:count]


def add_up_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Every process has seen a part of the batch; afterwards all have the gradients of the whole."""
    if process_count() == 1:
        return
    learning = [parameter for parameter in parameters if parameter.requires_grad]
    own = [torch.zeros_like(one) if one.grad is None else one.grad for one in learning]
    flat = cast("torch.Tensor", accelerator().reduce(torch.cat([one.flatten() for one in own])))
    for parameter, part in zip(learning, torch.split(flat, [one.numel() for one in learning]), strict=True):
        parameter.grad = part.view_as(parameter).clone()


def from_main(thing: Any) -> Any:
    """What the main process has; the others pass anything."""
    if process_count() == 1:
        return thing
    return broadcast_object_list([thing])[0]


def any_process(flag: bool) -> bool:
    """Whether it is so in one process at least."""
    if process_count() == 1:
        return flag
    own = torch.tensor(float(flag), device=accelerator().device)
    return bool(cast("torch.Tensor", accelerator().reduce(own)) > 0)
