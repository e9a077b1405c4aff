"""Photos on disk: ``data/place/item/photo``. Scanning lists names; it opens no photo."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import frozen

from lens_core.errors import LayoutError, NameCollisionError

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".heic", ".heif", ".avif", ".bmp", ".tif", ".tiff"}
)
OOD_FOLDER = "ood"
"""``data/ood`` holds photos that show no exhibit; it is no place."""
# What operating systems and zip tools leave behind.
_DROPPINGS = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})


def nfc(name: str) -> str:
    """The spelling under which names are compared and stored: a Mac's NFD becomes NFC."""
    return unicodedata.normalize("NFC", name)


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

    @property
    def items(self) -> tuple[tuple[str, str], ...]:
        """Every (place, item), sorted."""
        return tuple(sorted({(photo.place, photo.item) for photo in self.photos}))

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(sorted({photo.place for photo in self.photos}))

    def inside(self, photo: PhotoFile) -> str:
        """The photo's path inside the data folder, with slashes."""
        return photo.path.relative_to(self.root).as_posix()

    def counts(self) -> dict[tuple[str, str], int]:
        """Number of photos of every (place, item)."""
        counts = dict.fromkeys(self.items, 0)
        for photo in self.photos:
            counts[photo.place, photo.item] += 1
        return counts


def scan(root: Path, places: Iterable[str] = ()) -> Dataset:
    """List the photos under ``root``, all places or the named ones.

    Raises LayoutError (E100) naming the path that does not fit, NameCollisionError (E130) when two folders
    are one name in different spellings.
    """
    if not root.is_dir():
        raise LayoutError(f"There is no folder {root}.")
    folders = _folders(root, leave_out={OOD_FOLDER})
    _refuse_photos_in(root, "belongs to no place")
    if not folders:
        raise LayoutError(f"{root} holds no place folders.")
    wanted = [nfc(place) for place in places] or list(folders)
    for place in wanted:
        if place not in folders:
            raise LayoutError(f"{root} has no place '{place}'; it has {', '.join(folders)}.")
    photos = [photo for place in sorted(set(wanted)) for photo in scan_place(folders[place], place)]
    return Dataset(root, tuple(photos))


def scan_place(folder: Path, place: str) -> list[PhotoFile]:
    """List the photos of one place's folder. Raises LayoutError (E100)."""
    _refuse_photos_in(folder, f"lies in place '{place}' without an item folder")
    items = _folders(folder)
    if not items:
        raise LayoutError(f"{folder} holds no item folders.")
    found = []
    for item, item_folder in sorted(items.items()):
        photos = [PhotoFile(nfc(place), item, path) for path in list_photos(item_folder)]
        if not photos:
            raise LayoutError(f"{item_folder} holds no photos.")
        found += photos
    return found


def find_place(root: Path, place: str) -> list[PhotoFile]:
    """The photos of one place, whether ``root`` is the data folder or the place's own folder."""
    if not root.is_dir():
        raise LayoutError(f"There is no folder {root}.")
    folders = _folders(root, leave_out={OOD_FOLDER})
    if any(list_photos(folder) for folder in folders.values()):  # then they are items, and root is a place
        name = nfc(root.resolve().name)
        if name != nfc(place):
            raise LayoutError(f"{root} is the folder of place '{name}', not of '{place}'.")
        return scan_place(root, place)
    if nfc(place) in folders:
        return scan_place(folders[nfc(place)], place)
    raise LayoutError(f"{root} has no place '{place}'; it has {', '.join(folders) or 'no folders'}.")


def list_photos(folder: Path) -> list[Path]:
    """Photo files directly in ``folder``, by name; hidden files and other droppings are left out."""
    return sorted((path for path in _visible(folder) if _is_photo(path)), key=lambda path: nfc(path.name))


def ood_photos(data_root: Path, folder: Path | None = None) -> list[Path]:
    """Photos that show no exhibit: those of ``folder``, else of ``data_root/ood`` where there is one.

    Sub-folders are read too. Raises LayoutError (E100) when the named folder is not there.
    """
    if folder and not folder.is_dir():
        raise LayoutError(
            f"There is no folder {folder}.", "Pass --ood a folder of photos that show no exhibit."
        )
    folder = folder or data_root / OOD_FOLDER
    inside = sorted(path for path in folder.rglob("*") if path.is_dir())
    return [photo for place in (folder, *inside) if place.is_dir() for photo in list_photos(place)]


def _visible(folder: Path) -> Iterator[Path]:
    try:
        paths = list(folder.iterdir())
    except OSError as error:
        reason = error.strerror or error
        raise LayoutError(f"{folder} cannot be read: {reason}.", "Check its permission.") from error
    for path in paths:
        _refuse_foreign_encoding(path)
        if not path.name.startswith(".") and path.name not in _DROPPINGS:
            yield path


def _refuse_foreign_encoding(path: Path) -> None:
    """A zip made on Windows and unpacked elsewhere leaves names that are no text."""
    try:
        path.name.encode()
    except UnicodeEncodeError as error:
        advice = "Unpack the zip again with its encoding (unzip -O CP949 FILE.zip), or rename it."
        raise LayoutError(f"The name of {str(path)!a} is not UTF-8.", advice) from error


def _is_photo(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _folders(root: Path, leave_out: Iterable[str] = ()) -> dict[str, Path]:
    folders: dict[str, Path] = {}
    for path in sorted(_visible(root)):
        name = nfc(path.name)
        if not path.is_dir() or name in leave_out:
            continue
        if name in folders:
            raise NameCollisionError(f"{folders[name]!s} and {path!s} are the same name '{name}'.")
        folders[name] = path
    return dict(sorted(folders.items()))


def _refuse_photos_in(folder: Path, why: str) -> None:
    stray = list_photos(folder)
    if stray:
        raise LayoutError(f"{stray[0]} {why}.")
