"""Photos that the model must refuse: of no exhibit, or of exhibits it is not to know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import frozen

from lens_core.errors import LayoutError, ShowsExhibitError
from lens_core.photos.layout import Dataset, nfc, ood_photos, scan
from lens_core.words import some

_NAMED = 3
"""How many photos a warning names."""


@frozen
class StrayPhoto:
    """One such photo."""

    path: Path
    name: str
    """Inside the folder it was given in: no personal paths."""
    home: str = ""
    """The place it is asked in, of an exhibit that the model is not to know; empty: every place."""


@frozen
class Misplaced:
    """A stray photo that is nearly the same as a photo of an exhibit, and so is left out."""

    stray: str
    photo: str
    """Of the exhibit."""


def warning_of(misplaced: Sequence[Misplaced], strays: int) -> str | None:
    """What to tell about them. Raises ShowsExhibitError (E150) where no stray photo is left."""
    if not misplaced:
        return None
    named = some([f"{one.stray} is {one.photo}" for one in misplaced], _NAMED)
    error = ShowsExhibitError(
        f"{len(misplaced)} of {strays} photos that are to be refused show exhibits: {named}."
    )
    if len(misplaced) == strays:
        raise error
    return f"{error} They are left out."


def find_strays(
    dataset: Dataset, data_root: Path, ood: Path | None = None, untrained: Path | None = None
) -> tuple[StrayPhoto, ...]:
    """Photos of no exhibit, from ``ood`` or ``data_root/ood``, and of untrained exhibits.

    ``untrained`` follows the layout of the data folder: the places are the same, the items are others.
    Raises LayoutError (E100) naming what does not fit.
    """
    photos = ood_photos(data_root, ood)
    root = ood or data_root
    above = f"{root.resolve().name}/" if ood else ""
    strays = [StrayPhoto(path, nfc(above + path.relative_to(root).as_posix())) for path in photos]
    return tuple(strays) + tuple(_untrained(untrained, dataset) if untrained else ())


def _untrained(root: Path, dataset: Dataset) -> Iterator[StrayPhoto]:
    found = scan(root)
    for photo in found.photos:
        if photo.place not in dataset.places:
            raise LayoutError(
                f"{root} has a place '{photo.place}' that the data folder does not have.",
                f"Arrange untrained exhibits as PLACE/item/*.jpg; places: {', '.join(dataset.places)}.",
            )
        if (photo.place, photo.item) in dataset.items:
            raise LayoutError(
                f"{photo.place}/{photo.item} in {root} is an item of the data folder: it is not untrained.",
                "Take it out of one of the two folders.",
            )
        yield StrayPhoto(photo.path, f"{nfc(root.resolve().name)}/{found.inside(photo)}", photo.place)
