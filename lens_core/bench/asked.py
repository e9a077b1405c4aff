"""Photos that are answered while the clock runs: the museum's, those a checkpoint carries, or a drawn one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from attrs import frozen
from PIL import Image

from lens_core.artifacts import container, probes
from lens_core.photos.layout import PhotoFile
from lens_core.runtime.folders import is_checkpoint
from lens_core.runtime.lens import Lens

MOST = 20
_PHONE = (4000, 3000)
"""Pixels of a usual phone's photo."""


@frozen
class Asked:
    """(place, file) of each, and whose they are."""

    source: Literal["data", "checkpoint", "drawn"]
    photos: tuple[tuple[str, Path], ...]


def photos_to_ask(lens: Lens, own: Sequence[PhotoFile], folder: Path) -> Asked:
    """Some of ``own``; where there are none, others are written to ``folder``."""
    if own:
        return Asked("data", tuple((photo.place, photo.path) for photo in probes.evenly(own, MOST)))
    carried = probes.read(container.read(lens.path)) if is_checkpoint(lens.path) else []
    if not carried:
        return Asked("drawn", ((lens.gallery.places[0], _drawn(folder / "drawn.jpg")),))
    files = []
    for number, probe in enumerate(carried[:MOST]):
        path = folder / f"{number}.jpg"
        path.write_bytes(probe.encoded)
        files.append((probe.place, path))
    return Asked("checkpoint", tuple(files))


def _drawn(path: Path) -> Path:
    """A photo as large, and about as hard to decode, as a phone's."""
    coarse = np.random.default_rng(0).integers(60, 200, (75, 100, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(_PHONE, Image.Resampling.BICUBIC).save(path, quality=90)
    return path
