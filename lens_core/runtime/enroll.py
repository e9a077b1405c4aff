"""From photos of a place to its gallery: what ``build-index`` does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lens_core.artifacts.gallery import Descriptions, Gallery
from lens_core.photos.layout import PhotoFile
from lens_core.progress import Progress, no_progress
from lens_core.runtime.batch import decoded_batches
from lens_core.runtime.lens import Lens


def build_gallery(
    lens: Lens,
    photos: Sequence[PhotoFile],
    progress: Progress = no_progress,
    descriptions: Descriptions | None = None,
) -> Gallery:
    """Embed these photos. Raises the error (E12x) of the first one that cannot be read."""
    embeddings = []
    done = 0
    for decoded in decoded_batches([photo.path for photo in photos]):
        for photo in decoded:
            if isinstance(photo, Exception):
                raise photo
        good = [photo for photo in decoded if not isinstance(photo, Exception)]
        embeddings.append(lens.see(lens.prepare(good))[0])
        done += len(decoded)
        progress(done, len(photos))
    labels = [(photo.place, photo.item) for photo in photos]
    return Gallery.of(np.concatenate(embeddings), labels, descriptions)
