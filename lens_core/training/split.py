"""Splits that measure honestly: stratified, near-duplicates on one side, and no item without its photos."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from lens_core.contracts import Floats

FOLDS = 5
"""By default."""
Labels = NDArray[np.int64]
Split = tuple[Labels, Labels]
"""Row numbers: (to train on, held out)."""


def folds(labels: Labels, duplicate_groups: Labels, count: int, seed: int) -> Iterator[Split]:
    """Up to ``count`` stratified folds; each photo is held out once at most.

    An item keeps photos to train on in every fold: where all it has would be held out (one photo, or copies
    of one) they stay in training. Fewer than two folds can be impossible; then nothing is yielded.
    """
    count = min(count, len(np.unique(duplicate_groups)), int(np.bincount(labels).max()))
    if count < 2:
        return
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an item of fewer photos than folds is dealt with here
        for train, held_out in splitter.split(labels, labels, duplicate_groups):
            kept = np.isin(labels[held_out], labels[train])
            # Copies of what stays in training stay there too, whatever they are filed under.
            kept &= ~np.isin(duplicate_groups[held_out], duplicate_groups[held_out[~kept]])
            yield np.sort(np.append(train, held_out[~kept])), held_out[kept]


def item_groups(prototypes: Floats, count: int) -> list[Labels]:
    """Items in ``count`` groups such that near items are in different ones.

    Each group is left out in turn as "unknown". Leaving out an item *and* its look-alike together would make
    rejection look easier than it is, so neighbours are dealt out to different groups.
    """
    count = min(count, len(prototypes))
    nearness = prototypes @ prototypes.T
    members: list[list[int]] = [[] for _ in range(count)]
    most = -(-len(prototypes) // count)
    for item in np.argsort(-np.sort(nearness, axis=1)[:, -2] if len(prototypes) > 1 else [0]):
        open_groups = [group for group in range(count) if len(members[group]) < most]
        closest = [
            max((nearness[item, other] for other in members[group]), default=-1) for group in open_groups
        ]
        members[open_groups[int(np.argmin(closest))]].append(int(item))
    return [np.array(sorted(group), np.int64) for group in members if group]
