"""The photos as fine-tuning sees them: kept small in memory, and shown in changed views."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import torch
from torch.utils.data import DataLoader, Dataset

from lens_core.contracts import Photo, Pixels, Preprocess
from lens_core.parallel import cores, in_order
from lens_core.photos import duplicates
from lens_core.photos.decode import LONG_SIDE, decode
from lens_core.photos.preprocess import fit
from lens_core.progress import Progress
from lens_core.settings import Augment
from lens_core.training.augment import random_view
from lens_core.training.devices import accelerator, count_here
from lens_core.training.memory import total_memory

MOST_WORKERS = 8
MEMORY_SHARE = 0.25
"""Of the memory there is, what decoded photos may take; where they are more, each is decoded when shown."""


def keep_photos(paths: Sequence[Path], preprocess: Preprocess, progress: Progress) -> Sequence[Photo]:
    """Photos at twice the model's size, enough for the closest crop: in memory if they fit."""
    side = min(2 * preprocess.size, LONG_SIDE)
    on_disk = OnDisk(paths, attrs.evolve(preprocess, size=side))
    if 3 * side**2 * len(paths) > MEMORY_SHARE * total_memory() / count_here():
        return on_disk
    kept = []
    for photo in in_order(on_disk.__getitem__, range(len(paths))):
        kept.append(photo)
        progress(len(kept), len(paths))
    return kept


@attrs.frozen(eq=False)
class OnDisk(Sequence[Photo]):
    """Photos that are decoded whenever one is wanted."""

    paths: Sequence[Path]
    preprocess: Preprocess

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: Any) -> Any:
        photo = decode(self.paths[row])
        return attrs.evolve(photo, pixels=fit(photo.pixels, self.preprocess))

    def only(self, rows: Sequence[int]) -> OnDisk:
        return OnDisk([self.paths[row] for row in rows], self.preprocess)


def some(photos: Sequence[Photo], rows: Sequence[int]) -> Sequence[Photo]:
    """Some of the photos, as lightly as they are kept."""
    return photos.only(rows) if isinstance(photos, OnDisk) else [photos[row] for row in rows]


def phashes_of(photos: Sequence[Photo], progress: Progress) -> list[Pixels]:
    """The perceptual hash of each photo: see :func:`lens_core.photos.duplicates.phash`."""
    found = []
    for phash in in_order(lambda row: duplicates.phash(photos[row]), range(len(photos))):
        found.append(phash)
        progress(len(found), len(photos))
    return found


@attrs.frozen(eq=False)
class ChangedViews(Dataset[torch.Tensor]):
    """One random view of each photo shown in a pass; which one depends on the seed and its position alone."""

    photos: Sequence[Photo]
    preprocess: Preprocess
    augment: Augment
    seed: int

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, position: int) -> torch.Tensor:
        seed = self.seed * len(self) + position
        return torch.from_numpy(random_view(self.photos[position], self.preprocess, self.augment, seed))

    def stack(self, views: list[torch.Tensor]) -> torch.Tensor:
        """uint8[B, S, S, 3], also of none."""
        side = self.preprocess.size
        return torch.stack(views) if views else torch.empty(0, side, side, 3, dtype=torch.uint8)


def batches(
    views: ChangedViews, positions: Iterable[torch.Tensor], workers: int | None
) -> Iterator[torch.Tensor]:
    """uint8[B, S, S, 3] for each int64[B] of positions; ``workers`` make them ahead."""
    loader = DataLoader(
        views,
        batch_sampler=[part.tolist() for part in positions],
        num_workers=_worth_having() if workers is None else workers,
        collate_fn=views.stack,
        worker_init_fn=_leave_stopping_to_the_main_process,
    )
    yield from loader


def _worth_having() -> int:
    """Beside a GPU, one per core, up to eight. On a processor, none: the network has its cores, and each page
    of memory it writes to while it shares them with other processes is copied first (half as long again for a
    MobileNet).
    """
    if accelerator().device.type != "cuda":
        return 0
    return min(MOST_WORKERS, max(1, cores() // count_here()))


def _leave_stopping_to_the_main_process(worker: int) -> None:
    """Ctrl-C reaches every process of a terminal; the step under way still needs its photos."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
