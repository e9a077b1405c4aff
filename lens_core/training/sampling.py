"""Which photos are shown in one pass."""

from __future__ import annotations

from typing import Literal

import torch


def shown(labels: torch.Tensor, balance: Literal["none", "items"]) -> torch.Tensor:
    """int64[N]: rows of the N photos, of classes int64[N]; whoever shows them shuffles them.

    ``none``: every photo once. ``items``: every class equally often, give or take one; within a class every
    photo equally often, give or take one.
    """
    count = len(labels)
    if balance == "none":
        return torch.arange(count)
    classes = torch.unique(labels)
    share = -(-count // len(classes))
    rounds = torch.stack([_repeated(torch.nonzero(labels == item)[:, 0], share) for item in classes], dim=1)
    rounds[-1] = rounds[-1][torch.randperm(len(classes))]  # the last round may be cut off
    return rounds.flatten()[:count]


def _repeated(rows: torch.Tensor, count: int) -> torch.Tensor:
    """So many of the rows: all of them again and again, each time in another order."""
    times = -(-count // len(rows))
    return torch.cat([rows[torch.randperm(len(rows))] for _ in range(times)])[:count]
