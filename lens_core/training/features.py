"""Backbone features of every photo and of some changed views of it: computed once, kept, reused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import numpy as np
import safetensors
import safetensors.numpy
import torch
from attrs import frozen

from lens_core.artifacts.atomic import atomic_write
from lens_core.contracts import Floats, Photo, Pixels
from lens_core.errors import PhotoUnreadableError
from lens_core.photos import duplicates
from lens_core.photos.decode import VERSION, decode
from lens_core.photos.preprocess import prepare
from lens_core.progress import Progress, no_progress
from lens_core.runtime.search import cache_folder
from lens_core.settings import Augment
from lens_core.training.augment import random_view
from lens_core.training.network import LensNet

VIEWS = 2
"""Changed views kept beside each photo: four are no better than two; none separates untrained exhibits worse
(benchmarks/accuracy)."""
RECIPE = 1
"""Part of the cache key: raise it whenever preprocessing or the views change."""
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


Entry = tuple[Floats, Pixels]
"""What the cache keeps of a photo: features float32[1 + V, F] and phash uint8[64]."""


@frozen
class FeatureCache:
    """A folder of features by content: one small file per photo, for one network and recipe."""

    folder: Path

    @classmethod
    def of(cls, net: LensNet, views: int, augment: Augment) -> FeatureCache:
        recipe = (
            RECIPE,
            VERSION,
            net.full_name,
            views,
            attrs.astuple(net.preprocess),
            attrs.astuple(augment) if views else (),
        )
        digest = hashlib.sha256(repr(recipe).encode())
        for name, value in sorted(net.backbone.state_dict().items()):
            digest.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
        return cls(cache_folder() / "features" / digest.hexdigest()[:24])

    def read(self, photo_hash: str) -> Entry | None:
        """None when the photo is not there, or its file is damaged."""
        try:
            stored = safetensors.numpy.load((self.folder / photo_hash).read_bytes())
            return stored["features"], stored["phash"]
        except (OSError, safetensors.SafetensorError, KeyError):
            return None

    def write(self, photo_hash: str, entry: Entry) -> None:
        content = safetensors.numpy.save({"features": np.ascontiguousarray(entry[0]), "phash": entry[1]})
        atomic_write(self.folder / photo_hash, content)


def compute(
    paths: Sequence[Path],
    net: LensNet,
    *,
    augment: Augment,
    views: int = VIEWS,
    progress: Progress = no_progress,
) -> Features:
    """Features of the photos, from the cache where they are known.

    Raises the error (E12x) of the first photo that cannot be read.
    """
    cache = FeatureCache.of(net, views, augment)
    with ThreadPoolExecutor() as pool:
        hashes = tuple(pool.map(_file_hash, paths))
    paths_by_hash = dict(zip(hashes, paths, strict=True))
    entries = {photo_hash: entry for photo_hash in hashes if (entry := cache.read(photo_hash))}
    missing = {photo_hash: path for photo_hash, path in paths_by_hash.items() if photo_hash not in entries}
    progress(len(entries), len(paths_by_hash))
    for photo_hash, photo in _decoded(missing):
        entries[photo_hash] = _see(photo, photo_hash, net, views, augment)
        cache.write(photo_hash, entries[photo_hash])
        progress(len(entries), len(paths_by_hash))
    found = [entries[photo_hash] for photo_hash in hashes]
    return Features(np.stack([entry[0] for entry in found]), hashes, tuple(entry[1] for entry in found))


def _decoded(files: dict[str, Path]) -> Iterator[tuple[str, Photo]]:
    """The photos in order, decoded a few ahead of whoever asks for them."""
    queue = list(files.items())
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(decode, path) for _, path in queue[:_DECODED_AHEAD]]
        for position, (photo_hash, _) in enumerate(queue):
            photo = waiting.pop(0).result()
            if position + _DECODED_AHEAD < len(queue):
                waiting.append(pool.submit(decode, queue[position + _DECODED_AHEAD][1]))
            yield photo_hash, photo


def _see(photo: Photo, photo_hash: str, net: LensNet, views: int, augment: Augment) -> Entry:
    """The views of a photo depend on its content alone, so every seed and split shares them."""
    first_seed = int(photo_hash[:12], 16)
    changed = [random_view(photo, net.preprocess, augment, first_seed + view) for view in range(views)]
    images = torch.from_numpy(np.stack([prepare(photo, net.preprocess), *changed]))
    with torch.inference_mode():
        features = net.features(images).float().cpu().numpy()
    return features, duplicates.phash(photo)


def _file_hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise PhotoUnreadableError(f"{path} cannot be read: {error.strerror or error}.") from error
