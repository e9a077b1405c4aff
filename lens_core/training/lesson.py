"""What there is to learn from, and what must be refused: photos as features, with their names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import frozen

from lens_core.contracts import Floats, Pixels
from lens_core.evaluation.asked import Names
from lens_core.photos import duplicates
from lens_core.photos.layout import Dataset
from lens_core.photos.strays import Misplaced, StrayPhoto, warning_of
from lens_core.progress import Stage
from lens_core.settings import Settings
from lens_core.training.features import VIEWS, Features, compute
from lens_core.training.network import LensNet
from lens_core.training.split import Labels


@frozen(eq=False)
class Strays:
    """S photos that show no exhibit the model may name."""

    photos: Names
    """str[S]."""
    shots: Labels
    """int64[S]; see :class:`lens_core.evaluation.asked.Questions`."""
    homes: Names
    """str[S]: the place of an exhibit that the model is never shown; empty: it is asked in every place."""
    features: Floats
    """float32[S, F]."""


@frozen(eq=False)
class Lesson:
    """What there is to learn from: N photos of C classes, an item of a place each."""

    features: Floats
    """float32[N, 1 + V, F]."""
    labels: Labels
    """int64[N]: class of each photo."""
    classes: tuple[tuple[str, str], ...]
    """(place, item) of each class."""
    photos: Names
    """str[N]: inside the data folder."""
    shots: Labels
    """int64[N]; see :class:`lens_core.evaluation.asked.Questions`."""
    settings: Settings
    strays: Strays | None = None
    warnings: tuple[str, ...] = ()
    """What somebody should look at."""

    @property
    def items(self) -> Names:
        """str[N]: what each photo shows."""
        return np.array([item for _, item in self.classes])[self.labels]

    @property
    def homes(self) -> Names:
        """str[N]: where each was taken."""
        return np.array([place for place, _ in self.classes])[self.labels]

    @property
    def places(self) -> list[str]:
        return sorted({place for place, _ in self.classes})


def gather(
    dataset: Dataset,
    strays: Sequence[StrayPhoto],
    net: LensNet,
    settings: Settings,
    stage: Stage,
    keep: bool = True,
    views: int = VIEWS,
) -> tuple[Lesson, Features]:
    """(the lesson, what it was made from), from cached features where they are known; ``keep`` adds to them.

    ``views``: changed views of each photo, at least, to fit heads on; 0 where nothing is fitted.
    Raises the error (E12x) of the first photo that cannot be read.
    """
    paths = [photo.path for photo in dataset.photos]
    features = compute(
        paths,
        net,
        augment=settings.augment,
        views=max(views, settings.gallery_views),
        keep=keep,
        progress=stage("Looking at the photos"),
    )
    photos = names_of(dataset)
    seen, warnings = _look_at_strays(strays, photos, features, net, settings, stage, keep)
    lesson = Lesson(
        features.values,
        labels_of(dataset),
        dataset.items,
        photos,
        duplicate_groups(features.phashes),
        settings,
        seen,
        warnings,
    )
    return lesson, features


def _look_at_strays(
    strays: Sequence[StrayPhoto],
    photos: Names,
    features: Features,
    net: LensNet,
    settings: Settings,
    stage: Stage,
    keep: bool,
) -> tuple[Strays | None, tuple[str, ...]]:
    """See :func:`rightly_placed`."""
    if not strays:
        return None, ()
    progress = stage("Looking at photos that must be refused")
    found = compute(
        [stray.path for stray in strays],
        net,
        augment=settings.augment,
        views=0,
        keep=keep,
        progress=progress,
    )
    kept, warning = rightly_placed(strays, photos, features.phashes, found.phashes)
    return (
        Strays(
            np.array([strays[row].name for row in kept]),
            duplicate_groups([found.phashes[row] for row in kept]) + len(photos),
            np.array([strays[row].home for row in kept]),
            found.values[kept, 0],
        ),
        (warning,) if warning else (),
    )


def rightly_placed(
    strays: Sequence[StrayPhoto], photos: Names, of_photos: Sequence[Pixels], of_strays: Sequence[Pixels]
) -> tuple[list[int], str | None]:
    """(rows of the stray photos that show no exhibit, what to tell about the others), by perceptual hashes.

    ``photos`` str[N] names the exhibits' photos. Raises ShowsExhibitError (E150) where every stray photo
    shows an exhibit.
    """
    count = len(photos)
    near = duplicates.pairs([*of_photos, *of_strays])
    across = [(first, second - count) for first, second in near if first < count <= second]
    # Of several exhibits' photos that one repeats, the nearest is named: it comes last.
    across.sort(key=lambda pair: -int((of_photos[pair[0]] != of_strays[pair[1]]).sum()))
    exhibit_of = {stray: photo for photo, stray in across}
    misplaced = [Misplaced(strays[row].name, str(photos[other])) for row, other in sorted(exhibit_of.items())]
    warning = warning_of(misplaced, len(strays))
    return [row for row in range(len(strays)) if row not in exhibit_of], warning


def names_of(dataset: Dataset) -> Names:
    """str[N]: each photo by its path inside the data folder."""
    return np.array([dataset.inside(photo) for photo in dataset.photos])


def labels_of(dataset: Dataset) -> Labels:
    """int64[N]: the class of each photo, numbered in the order of ``dataset.items``."""
    numbers = {item: number for number, item in enumerate(dataset.items)}
    return np.array([numbers[photo.place, photo.item] for photo in dataset.photos], np.int64)


def duplicate_groups(phashes: Sequence[Pixels]) -> Labels:
    """int64[N]: near-duplicate photos share a number."""
    return duplicates.groups(len(phashes), duplicates.pairs(phashes))
