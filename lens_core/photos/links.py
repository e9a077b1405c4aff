"""Symbolic links among the photos: followed inside the data folder, never out of it and never twice."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from lens_core.errors import LayoutError

_ADVICE = "Put the file or folder itself there (cp -rL copies what links lead to), or remove the link."


def refuse_astray(link: Path, root: Path) -> None:
    """Raises LayoutError (E100) for a link that leads nowhere, in a circle, or out of ``root``."""
    said = f"{link} is a link to {link.readlink()}"
    try:
        target = Path(os.path.realpath(link, strict=True))
    except OSError as error:
        circle = error.errno == errno.ELOOP
        why = "which leads back to the link" if circle else f"which cannot be followed: {error.strerror}"
        raise LayoutError(f"{said}, {why}.", _ADVICE) from error
    if link.parent.resolve().is_relative_to(target):
        raise LayoutError(f"{said}, the folder that it lies in.", _ADVICE)
    if not target.is_relative_to(root.resolve()):
        raise LayoutError(f"{link} is a link out of {root}: it leads to {target}.", _ADVICE)


class Reached:
    """The files and folders that a scan has come to."""

    def __init__(self) -> None:
        self._paths: dict[Path, Path] = {}
        self._folders: dict[Path, Path] = {}

    def add(self, path: Path) -> None:
        """Raises LayoutError (E100) when a link leads to what was already reached."""
        other = self._paths.setdefault(self._real(path), path)
        if other is not path:
            link = max((_link_towards(one) for one in (other, path)), key=lambda found: len(found.parts))
            raise LayoutError(
                f"{other} and {path} are one and the same: {link} is a link to {link.resolve()}.",
                "Remove the link.",
            )

    def _real(self, path: Path) -> Path:
        """Where it really lies, without asking about the same folders for every photo."""
        if path.is_symlink():
            return path.resolve()
        if path.parent not in self._folders:
            self._folders[path.parent] = path.parent.resolve()
        return self._folders[path.parent] / path.name


def _link_towards(path: Path) -> Path:
    """The last link on the way to ``path``; without one, where the way begins."""
    way = (path, *path.parents)
    return next((step for step in way if step.is_symlink()), way[-1])
