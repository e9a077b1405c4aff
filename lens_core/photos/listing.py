"""What lies directly in one folder: its photos and its folders, with names that can be used."""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Iterator
from pathlib import Path

from lens_core.errors import LayoutError
from lens_core.photos import links, names
from lens_core.photos.names import nfc

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".heic", ".heif", ".avif", ".bmp", ".tif", ".tiff"}
)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def list_photos(folder: Path, root: Path | None = None) -> list[Path]:
    """Photo files directly in ``folder``, by name; hidden files and other droppings are left out.

    Links may lead anywhere, also to nothing; where a ``root`` is given, nowhere out of it. Raises LayoutError
    (E100) or NameCollisionError (E130).
    """
    photos = [folder / entry.name for entry in _visible(folder, root) if _is_photo(entry)]
    names.refuse_same(photos, nfc, "Remove or rename one of the two photos.")
    return sorted(photos, key=lambda path: nfc(path.name))


def named_photos(listed: bytes) -> list[Path]:
    """The photos in a list of paths, one per line, in that order.

    Raises LayoutError (E100) for a name that cannot be used.
    """
    if b"\0" in listed and not listed.startswith(_UTF16):
        raise LayoutError("The list of photos holds no lines of text.", "Write one path per line.")
    lines = io.StringIO(_text(listed), newline=None).read().split("\n")
    photos = [Path(line) for line in lines if line]
    for photo in photos:
        names.refuse_unusable(photo)
    return photos


def _text(listed: bytes) -> str:
    encoding = "utf-16" if listed.startswith(_UTF16) else "utf-8-sig"
    try:
        return listed.decode(encoding)
    except UnicodeDecodeError as error:
        raise LayoutError("The list of photos is not UTF-8.", "Save it as UTF-8.") from error


def list_folders(folder: Path, root: Path) -> dict[str, Path]:
    """The folders directly in ``folder`` by their names, sorted.

    Raises LayoutError (E100), or NameCollisionError (E130) for two that are one name somewhere.
    """
    found = sorted(folder / entry.name for entry in _visible(folder, root) if entry.is_dir())
    names.refuse_same(found, names.anywhere)
    return dict(sorted((nfc(path.name), path) for path in found))


def _visible(folder: Path, root: Path | None) -> Iterator[os.DirEntry[str]]:
    for entry in _entries(folder):
        if not names.is_left_behind(entry.name):
            path = folder / entry.name
            names.refuse_unusable(path)
            if root and entry.is_symlink():
                links.refuse_astray(path, root)
            yield entry


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise LayoutError(f"There is no folder {folder}.") from error
    except OSError as error:
        reason = error.strerror or error
        raise LayoutError(f"{folder} cannot be read: {reason}.", "Check its permission.") from error


def _is_photo(entry: os.DirEntry[str]) -> bool:
    there = entry.is_file() or (entry.is_symlink() and not Path(entry).exists())  # whoever reads it says why
    return Path(entry.name).suffix.lower() in SUFFIXES and there
