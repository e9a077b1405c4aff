"""Backbone features of every photo and of some changed views of it: computed once, kept, reused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from attrs import frozen

from lens_core.artifacts.cache import PhotoCache, file_hash
from lens_core.artifacts.provenance import environment
from lens_core.contracts import Floats, Photo, Pixels
from lens_core.parallel import in_order
from lens_core.photos import duplicates
from lens_core.photos.decode import VERSION, decode
from lens_core.photos.preprocess import prepare
from lens_core.progress import Progress, no_progress
from lens_core.settings import Augment
from lens_core.training.augment import random_view
from lens_core.training.devices import accelerator
from lens_core.training.heads import diverged
from lens_core.training.memory import keep_freed_memory
from lens_core.training.network import LensNet

VIEWS = 2
"""Changed views kept beside each photo: four are no better than two; none separates untrained exhibits worse
(benchmarks/accuracy)."""
RECIPE = 2
"""Part of the cache key: raise it whenever preprocessing, the views or the perceptual hash change."""
_DECODED_AHEAD = 8


@frozen(eq=False)
class Features:
    """What training needs of N photos, row for row."""

    values: Floats
    """float32[N, 1 + V, F]: the photo as it is, then its changed views."""
    hashes: tuple[str, ...]
    """SHA-256 of each file."""
    phashes: tuple[Pixels, ...]
    """uint8[64] perceptual hash of each photo."""


Entry = dict[str, Any]
"""What the cache keeps of a photo: ``features`` float32[1 + V, F] and ``phash`` uint8[64]."""


def _cache(net: LensNet, views: int, augment: Augment) -> PhotoCache:
    """For one network and recipe."""
    weights = hashlib.sha256()
    for name, value in sorted(net.backbone.state_dict().items()):
        weights.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    changes = attrs.astuple(augment) if views else ()
    preprocess = attrs.astuple(net.preprocess)
    software = (*environment()["packages"].items(), accelerator().device.type)
    recipe = (RECIPE, VERSION, net.full_name, views, preprocess, changes, weights.hexdigest(), software)
    return PhotoCache.of("features", recipe)


def compute(
    paths: Sequence[Path],
    net: LensNet,
    *,
    augment: Augment,
    views: int = VIEWS,
    keep: bool = True,
    progress: Progress = no_progress,
) -> Features:
    """Features of the photos, from the cache where they are known; ``keep`` adds them where they are not.

    Raises the error (E12x) of the first photo that cannot be read, BadSettingError (E600) of a network that
    has diverged.
    """
    keep_freed_memory()
    cache = _cache(net, views, augment)
    hashes = tuple(in_order(file_hash, paths))
    paths_by_hash = dict(zip(hashes, paths, strict=True))
    entries = {photo_hash: entry for photo_hash in hashes if (entry := cache.read(photo_hash))}
    missing = {photo_hash: path for photo_hash, path in paths_by_hash.items() if photo_hash not in entries}
    progress(len(entries), len(paths_by_hash))
    photos = in_order(decode, missing.values(), ahead=_DECODED_AHEAD)
    with _ready(net):
        for photo_hash, photo in zip(missing, photos, strict=True):
            entries[photo_hash] = _see(photo, photo_hash, net, views, augment)
            if keep:
                cache.write(photo_hash, entries[photo_hash])
            progress(len(entries), len(paths_by_hash))
    found = [entries[photo_hash] for photo_hash in hashes]
    values, phashes = np.stack([entry["features"] for entry in found]), [entry["phash"] for entry in found]
    if not np.isfinite(values).all():
        raise diverged()
    return Features(values, hashes, tuple(phashes))


@contextmanager
def _ready(net: LensNet) -> Iterator[None]:
    """On the GPU, where there is one; and in the order that photos come in: a quarter less time on a CPU."""
    net.backbone.to(memory_format=torch.channels_last)
    net.to(accelerator().device)
    try:
        yield
    finally:
        net.cpu()


def _see(photo: Photo, photo_hash: str, net: LensNet, views: int, augment: Augment) -> Entry:
    """The views of a photo depend on its content alone, so every seed and split shares them.

    They go through the network one by one: on a CPU three at once took half as long again.
    """
    first_seed = int(photo_hash[:12], 16)
    changed = [random_view(photo, net.preprocess, augment, first_seed + view) for view in range(views)]
    images = torch.from_numpy(np.stack([prepare(photo, net.preprocess), *changed])).to(net.mean.device)
    with torch.inference_mode():
        features = torch.cat([net.features(image[None]) for image in images])
    return {"features": features.float().cpu().numpy(), "phash": duplicates.phash(photo)}
