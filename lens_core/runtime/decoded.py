"""Decoded photos kept by their content, for those who run over the same photos again and again."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
from attrs import field, frozen

from lens_core.artifacts.atomic import check_writable
from lens_core.artifacts.cache import PhotoCache, file_hash
from lens_core.contracts import Photo
from lens_core.errors import CannotWriteError
from lens_core.photos.decode import LONG_SIDE, VERSION, decode


@frozen
class DecodedPhotos:
    """Decodes a photo once and keeps its pixels in the cache folder, about 2 MB a photo.

    What is kept is what the decoder gave, so answers are the same. Reading it takes some 3 ms, whatever the
    format; a phone's HEIC takes half a second to decode.
    """

    _cache: PhotoCache = field(factory=lambda: PhotoCache.of("decoded", (LONG_SIDE, VERSION)))

    def __call__(self, path: Path) -> Photo:
        """As :func:`lens_core.photos.decode.decode`; once the disk is full, it goes on without keeping."""
        photo_hash = file_hash(path)
        kept = self._cache.read(photo_hash)
        if kept is not None:
            about = json.loads(kept["about"].tobytes())
            return Photo(kept["pixels"], about["width"], about["height"], tuple(about["notes"]))
        photo = decode(path)
        about = {"width": photo.width, "height": photo.height, "notes": photo.notes}
        text = np.frombuffer(json.dumps(about).encode(), np.uint8)
        with suppress(CannotWriteError):
            self._cache.write(photo_hash, {"pixels": photo.pixels, "about": text})
        return photo

    def check(self) -> None:
        """Raises CannotWriteError (E700) where nothing can be kept at all."""
        check_writable(self._cache.folder / "any")
