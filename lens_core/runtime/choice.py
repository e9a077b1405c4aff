"""Which of a folder's files was the fastest: measured once for the files, the software and the machine."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from attrs import frozen

from lens_core import plugins
from lens_core.artifacts.atomic import write_json
from lens_core.artifacts.cache import cache_folder
from lens_core.artifacts.integrity import SEAL_LENGTH
from lens_core.errors import CannotWriteError, PluginError
from lens_core.parallel import cores
from lens_core.runtime.folders import suffix_of
from lens_core.runtime.machine import processor

_FOLDER = "fastest"


@frozen
class KeptChoice:
    """The place in the cache of one folder's choice; a damaged, missing or unwritable one is none."""

    file: Path

    @classmethod
    def of(cls, candidates: Sequence[Path], options: Mapping[str, Any]) -> KeptChoice:
        """``options`` are the runtime's. Wherever the folder lies, the same files share their choice."""
        depends_on = (
            [_signature(path) for path in candidates],
            [_versions(path) for path in candidates],
            sorted(options.items()),
            (processor(), cores()),
        )
        key = hashlib.sha256(repr(depends_on).encode()).hexdigest()[:24]
        return cls(cache_folder() / _FOLDER / f"{key}.json")

    def read(self, candidates: Sequence[Path]) -> Path | None:
        """The file that was chosen."""
        try:
            name = json.loads(self.file.read_text(encoding="utf-8"))["chosen"]
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return next((path for path in candidates if path.name == name), None)

    def write(self, chosen: Path, milliseconds: Mapping[str, float]) -> None:
        """Keep it, with what it was chosen by."""
        with suppress(CannotWriteError):
            write_json(self.file, {"chosen": chosen.name, "milliseconds": dict(milliseconds)})


def always_required(distribution: str) -> list[str]:
    """Names of the distributions that an installed one needs in any case, not for an extra of its own."""
    try:
        lines = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return []
    named = [re.match(r"[\w.-]+", line) for line in lines if "extra" not in line.partition(";")[2]]
    return [match.group().lower() for match in named if match]


def _signature(path: Path) -> tuple[str, list[tuple[str, int, bytes]]]:
    """Its name, and the seal and size of every file in it."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    parts = [(file.relative_to(path.parent).as_posix(), *_end(file)) for file in files if file.is_file()]
    return path.name, parts


def _end(file: Path) -> tuple[int, bytes]:
    try:
        with file.open("rb") as content:
            size = content.seek(0, 2)
            content.seek(max(0, size - SEAL_LENGTH))
            return size, content.read()
    except OSError:  # whoever opens it will say why
        return 0, b""


def _versions(path: Path) -> list[tuple[str, str]]:
    """Of the runtime that opens it, and of the libraries that do its work."""
    try:
        plugin = plugins.choose("runtime", suffix_of(path))
    except PluginError:
        return []
    return [(plugin.distribution, plugin.version), *_installed(always_required(plugin.distribution))]


def _installed(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        with suppress(metadata.PackageNotFoundError):
            yield name, metadata.version(name)
