"""The photos that are left once a curator has decided which of them to leave out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs

from lens_core.errors import BadSettingError
from lens_core.photos.layout import Dataset, PhotoFile, nfc, scan
from lens_core.settings import Curation


def scan_curated(root: Path, curation: Curation, places: Iterable[str] = ()) -> Dataset:
    """Like :func:`lens_core.photos.layout.scan`, without the photos of ``curation.remove``.

    Raises BadSettingError (E600) naming a photo that is not there, or an item of which none would be left.
    """
    dataset = scan(root, places)
    asked = set(map(nfc, places)) if places else None
    kept = set(keep(dataset.photos, curation, root, asked))
    photos, left_out = (
        tuple(photo for photo in dataset.photos if (photo in kept) == stays) for stays in (True, False)
    )
    return attrs.evolve(dataset, photos=photos, left_out=left_out)


def keep(
    photos: Sequence[PhotoFile], curation: Curation, root: Path, places: set[str] | None = None
) -> list[PhotoFile]:
    """The photos that ``curation.remove`` leaves; entries of other places than the named ones do not count.

    Raises BadSettingError (E600) as :func:`scan_curated` does.
    """
    removed = {nfc(removal.photo) for removal in curation.remove}
    if places is not None:
        removed = {name for name in removed if name.partition("/")[0] in places}
    missing = sorted(removed - {_name(photo) for photo in photos})
    if missing:
        raise BadSettingError(
            f"curation.remove: {root} has no photo {missing[0]}.",
            "Write place/item/file as it lies in the data folder, or take the entry out.",
        )
    kept = [photo for photo in photos if _name(photo) not in removed]
    emptied = sorted(_items(photos) - _items(kept))
    if emptied:
        raise BadSettingError(
            f"curation.remove: no photo of {'/'.join(emptied[0])} would be left.",
            "Keep some of them, or move the item's folder out of the data folder.",
        )
    return kept


def _name(photo: PhotoFile) -> str:
    return f"{photo.place}/{photo.item}/{nfc(photo.path.name)}"


def _items(photos: Iterable[PhotoFile]) -> set[tuple[str, str]]:
    return {(photo.place, photo.item) for photo in photos}
