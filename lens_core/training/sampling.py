"""Which photos are shown in one pass, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lens_core.settings import Balance


def shown(labels: torch.Tensor, balance: Balance) -> torch.Tensor:
    """int64[N]: rows of the N photos, of classes int64[N]; whoever shows them shuffles them.

    ``items``: every class equally often, give or take one; within a class every photo equally often, give or
    take one. Otherwise: every photo once.
    """
    count = len(labels)
    if balance != "items":
        return torch.arange(count)
    classes = torch.unique(labels)
    share = -(-count // len(classes))
    rounds = torch.stack([_repeated(torch.nonzero(labels == item)[:, 0], share) for item in classes], dim=1)
    rounds[-1] = rounds[-1][torch.randperm(len(classes))]  # the last round may be cut off
    return rounds.flatten()[:count]


def class_weights(labels: torch.Tensor, class_count: int) -> torch.Tensor:
    """float32[C], 1 on average over the photos int64[N]: every class counts the same, however many it has."""
    counts = torch.bincount(labels, minlength=class_count).clamp(min=1)
    return len(labels) / (class_count * counts.float())


def dwelt_on(rows: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """int64[N]: as many rows, each as often as its weight float32[N] says, give or take one."""
    mixed = torch.randperm(len(rows))
    reached = weights[mixed].double().cumsum(0)
    marks = (torch.arange(len(rows), dtype=torch.float64) + torch.rand(())) * reached[-1] / len(rows)
    return rows[mixed[torch.searchsorted(reached, marks).clamp(max=len(rows) - 1)]]


def shuffled(rows: torch.Tensor, labels: torch.Tensor, pairs: Sequence[tuple[int, int]]) -> torch.Tensor:
    """int64[N]: the rows in random order, but photos of two paired classes side by side."""
    order = rows[torch.randperm(len(rows))]
    waiting: dict[int, list[int]] = {}
    for row in order.tolist():
        waiting.setdefault(int(labels[row]), []).append(row)
    units: list[list[int]] = []
    for first, second in pairs:
        ones, others = waiting.get(first, []), waiting.get(second, [])
        while ones and others:
            units.append([ones.pop(), others.pop()])
    units += [[row] for rest in waiting.values() for row in rest]
    return torch.tensor([row for number in torch.randperm(len(units)).tolist() for row in units[number]])


def _repeated(rows: torch.Tensor, count: int) -> torch.Tensor:
    """So many of the rows: all of them again and again, each time in another order."""
    times = -(-count // len(rows))
    return torch.cat([rows[torch.randperm(len(rows))] for _ in range(times)])[:count]
