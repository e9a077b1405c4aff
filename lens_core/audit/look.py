"""One look at every photo: all that the audit needs of it, computed once and kept by the photo's content."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import cattrs
import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from PIL import Image

from lens_core.artifacts.cache import PhotoCache, file_hash
from lens_core.audit.appearance import PARTS, appearance
from lens_core.audit.copies import SIDE
from lens_core.contracts import Finding, Photo, Pixels
from lens_core.errors import DataError
from lens_core.parallel import in_order
from lens_core.photos import duplicates
from lens_core.photos.decode import VERSION, decode
from lens_core.photos.quality import QualityChecks

RECIPE = 1
"""Part of the cache key: raise it whenever a look would come out otherwise."""


@frozen(eq=False)
class Look:
    """What is known of one photo."""

    photo_hash: str
    """SHA-256 of the file."""
    width: int
    height: int
    """Of the upright original, in pixels."""
    lightness: float
    """Mean, 0 (black) to 1 (white)."""
    notes: tuple[str, ...]
    """How it was read, where that may surprise."""
    findings: tuple[Finding, ...]
    """What the quality checkers noticed."""
    phash: Pixels
    """uint8[64], see :func:`lens_core.photos.duplicates.phash`."""
    grey: Pixels
    """uint8[SIDE, SIDE]: the whole photo squeezed into a square, for :mod:`lens_core.audit.copies`."""
    appearance: NDArray[np.float16]
    """See :func:`lens_core.audit.appearance.appearance`."""


def look_at(paths: Sequence[Path], checks: QualityChecks) -> Iterator[Look | DataError]:
    """A look at each photo, or why it cannot be read, in order; on all cores."""
    cache = PhotoCache.of("looks", (RECIPE, VERSION, checks.identity))
    yield from in_order(lambda path: _look_or_error(path, checks, cache), paths)


def _look_or_error(path: Path, checks: QualityChecks, cache: PhotoCache) -> Look | DataError:
    try:
        photo_hash = file_hash(path)
        known = _read(cache, photo_hash)
        if known is not None:
            return known
        look = _look(decode(path), photo_hash, checks)
    except DataError as error:
        return error
    if not checks.failures:  # what a checker could not say today it may say tomorrow
        _write(cache, look)
    return look


def _look(photo: Photo, photo_hash: str, checks: QualityChecks) -> Look:
    image = Image.fromarray(photo.pixels)
    grey = image.convert("L")
    return Look(
        photo_hash,
        photo.width,
        photo.height,
        round(float(np.asarray(grey).mean()) / 255, 3),
        photo.notes,
        tuple(checks.check(photo)),
        duplicates.phash_of(grey),
        np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX)),
        appearance(image),
    )


_SHAPES = {"phash": (64,), "grey": (SIDE, SIDE), "appearance": (sum(PARTS),)}


def _write(cache: PhotoCache, look: Look) -> None:
    about = attrs.asdict(look, filter=lambda attribute, _: attribute.name not in (*_SHAPES, "photo_hash"))
    arrays = {name: getattr(look, name) for name in _SHAPES}
    cache.write(look.photo_hash, {**arrays, "about": np.frombuffer(json.dumps(about).encode(), np.uint8)})


def _read(cache: PhotoCache, photo_hash: str) -> Look | None:
    """None when the photo is not there, or somebody changed what was kept."""
    stored: dict[str, Any] = cache.read(photo_hash) or {}
    if {name: array.shape for name, array in stored.items() if name != "about"} != _SHAPES:
        return None
    try:
        about = json.loads(stored.pop("about").tobytes())
        findings = cattrs.structure(about.pop("findings"), tuple[Finding, ...])
        return Look(photo_hash, **{**about, "notes": tuple(about["notes"]), "findings": findings}, **stored)
    except (KeyError, TypeError, ValueError, cattrs.BaseValidationError):
        return None
