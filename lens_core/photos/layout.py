"""Photos on disk: ``data/place/item/photo``. Scanning lists names; it opens no photo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import frozen

from lens_core.errors import LayoutError
from lens_core.photos import links
from lens_core.photos.listing import list_folders, list_photos
from lens_core.photos.names import anywhere, nfc

__all__ = [
    "OOD_FOLDER",
    "Dataset",
    "PhotoFile",
    "find_place",
    "list_photos",
    "nfc",
    "ood_photos",
    "scan",
]

OOD_FOLDER = "ood"
"""``data/ood`` holds photos that show no exhibit; it is no place, nor is ``OOD``."""


@frozen
class PhotoFile:
    """One photo and what the folders say it shows."""

    place: str
    item: str
    path: Path


@frozen
class Dataset:
    """The photos of a data folder, in a stable order: place, item, file name."""

    root: Path
    photos: tuple[PhotoFile, ...]
    left_out: tuple[PhotoFile, ...] = ()
    """Photos that lie there and that somebody decided not to use (lens_core.photos.curated)."""

    @property
    def items(self) -> tuple[tuple[str, str], ...]:
        """Every (place, item), sorted."""
        return tuple(sorted({(photo.place, photo.item) for photo in self.photos}))

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(sorted({photo.place for photo in self.photos}))

    def inside(self, photo: PhotoFile) -> str:
        """The photo's path inside the data folder: slashes, and one spelling wherever it was zipped."""
        return nfc(photo.path.relative_to(self.root).as_posix())

    def counts(self) -> dict[tuple[str, str], int]:
        """Number of photos of every (place, item)."""
        counts = dict.fromkeys(self.items, 0)
        for photo in self.photos:
            counts[photo.place, photo.item] += 1
        return counts


def scan(root: Path, places: Iterable[str] = ()) -> Dataset:
    """List the photos under ``root``, all places or the named ones.

    Raises LayoutError (E100) naming the path or link that does not fit, NameCollisionError (E130) when two
    folders of one level, or two photos of one item, are the same name in different spellings.
    """
    folders = _places(root)
    _refuse_photos_in(root, "belongs to no place", root)
    if not folders:
        raise LayoutError(f"{root} holds no place folders.")
    wanted = [nfc(place) for place in places] or list(folders)
    for place in wanted:
        if place not in folders:
            raise LayoutError(f"{root} has no place '{place}'; it has {', '.join(folders)}.")
    photos = [photo for place in sorted(set(wanted)) for photo in _scan_place(folders[place], place, root)]
    _refuse_twice([*(photo.path for photo in photos), *ood_photos(root)])
    return Dataset(root, tuple(photos))


def find_place(root: Path, place: str) -> list[PhotoFile]:
    """The photos of one place, whether ``root`` is the data folder or the place's own folder."""
    folders = _places(root)
    if any(list_photos(folder, root) for folder in folders.values()):  # they are items, and root is a place
        name = nfc(root.resolve().name)
        if name != nfc(place):
            raise LayoutError(f"{root} is the folder of place '{name}', not of '{place}'.")
        photos = _scan_place(root, place, root)
    elif nfc(place) in folders:
        photos = _scan_place(folders[nfc(place)], place, root)
    else:
        raise LayoutError(f"{root} has no place '{place}'; it has {', '.join(folders) or 'no folders'}.")
    _refuse_twice(photo.path for photo in photos)
    return photos


def ood_photos(data_root: Path, folder: Path | None = None) -> list[Path]:
    """Photos that show no exhibit: those of ``folder``, else of ``data_root/ood`` where there is one.

    Sub-folders are read too. Raises LayoutError (E100) when the named folder is not there, or holds none.
    """
    if folder and not folder.is_dir():
        raise LayoutError(
            f"There is no folder {folder}.", "Pass --ood a folder of photos that show no exhibit."
        )
    root = folder or data_root
    folders = [folder] if folder else filter(_is_ood, list_folders(root, root).values())
    inside = (below for top in folders for below in _folders_below(top, root))
    photos = [photo for below in inside for photo in list_photos(below, root)]
    if folder and not photos:
        raise LayoutError(f"There are no photos in {folder}.", "Pass --ood a folder that has some.")
    return photos


def _is_ood(folder: Path) -> bool:
    return anywhere(folder.name) == OOD_FOLDER


def _places(root: Path) -> dict[str, Path]:
    return {name: folder for name, folder in list_folders(root, root).items() if not _is_ood(folder)}


def _scan_place(folder: Path, place: str, root: Path) -> list[PhotoFile]:
    _refuse_photos_in(folder, f"lies in place '{place}' without an item folder", root)
    items = list_folders(folder, root)
    if not items:
        raise LayoutError(f"{folder} holds no item folders.")
    found = []
    for item, item_folder in items.items():
        photos = [PhotoFile(nfc(place), item, path) for path in list_photos(item_folder, root)]
        if not photos:
            raise LayoutError(f"{item_folder} holds no photos.")
        found += photos
    return found


def _folders_below(folder: Path, root: Path) -> Iterator[Path]:
    """``folder`` and all folders in it, parents first."""
    reached = links.Reached()
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        reached.add(here)  # links between two folders would go on for ever
        yield here
        waiting += reversed(list_folders(here, root).values())


def _refuse_photos_in(folder: Path, why: str, root: Path) -> None:
    stray = list_photos(folder, root)
    if stray:
        raise LayoutError(f"{stray[0]} {why}.")


def _refuse_twice(photos: Iterable[Path]) -> None:
    reached = links.Reached()
    for photo in photos:
        reached.add(photo)
