"""Which names in a photo folder are passed over, which are refused, and which are one and the same name."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

from lens_core.errors import LayoutError, NameCollisionError

# What operating systems, network drives and zip tools leave behind, besides hidden files.
_LEFT_BEHIND = frozenset(
    {
        "#recycle",
        "$recycle.bin",
        "@eadir",
        "@recycle",
        "__macosx",
        "desktop.ini",
        "ehthumbs.db",
        "icon\r",
        "lost+found",
        "system volume information",
        "thumbs.db",
    }
)
# Control characters, and the separators that end a line: they break every message and table.
_BREAKING = frozenset({"Cc", "Zl", "Zp"})


def nfc(name: str) -> str:
    """The spelling under which names are compared and stored: a Mac's NFD becomes NFC."""
    return unicodedata.normalize("NFC", name)


def anywhere(name: str) -> str:
    """Equal for two names that Windows or a Mac cannot keep apart: ``Vase``, ``vase`` and ``vase.``."""
    return nfc(name).rstrip(" .").lower()


def is_left_behind(name: str) -> bool:
    """Whether no curator made this file or folder."""
    return name.startswith(".") or name.lower() in _LEFT_BEHIND


def refuse_unusable(path: Path) -> None:
    """Raises LayoutError (E100) for a name that is no text or would break a line."""
    if path.name.isprintable():
        return
    try:
        path.name.encode()
    except UnicodeEncodeError as error:
        advice = "Unpack the zip again with its encoding (unzip -O CP949 FILE.zip), or rename it."
        raise LayoutError(f"The name of {str(path)!a} is not UTF-8.", advice) from error
    if any(unicodedata.category(character) in _BREAKING for character in path.name):
        raise LayoutError(f"The name of {str(path)!r} has a line break or control character.", "Rename it.")


def refuse_same(paths: Iterable[Path], same: Callable[[str], str], advice: str | None = None) -> None:
    """Raises NameCollisionError (E130) naming two paths whose names ``same`` makes equal."""
    seen: dict[str, Path] = {}
    for path in paths:
        other = seen.setdefault(same(path.name), path)
        if other is not path:
            name = nfc(path.name)
            why = f"'{name}'" if nfc(other.name) == name else "on Windows and on a Mac"
            raise NameCollisionError(f"{other} and {path} are the same name {why}.", advice)
