"""What ``--resume`` goes by: a note in the run's folder that is there only while the run is unfinished."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lens_core.settings import Settings

NOTE = "unfinished.json"


@contextmanager
def noted(
    run_folder: Path, settings: Settings, data_root: Path, places: Sequence[str], ood: Path | None
) -> Iterator[None]:
    """Keep the note while the work goes on, and after it was interrupted; a user's mistake leaves none."""
    from lens_core.artifacts.atomic import write_json
    from lens_core.errors import LensError
    from lens_core.settings import flatten

    note = run_folder / NOTE
    about: dict[str, Any] = {"data_root": _seen_from(run_folder, data_root), "places": list(places)}
    about["ood"] = ood and _seen_from(run_folder, ood)
    write_json(note, {**about, "settings": flatten(settings)})
    try:
        yield
    except LensError:
        note.unlink(missing_ok=True)
        raise
    note.unlink(missing_ok=True)


def read(run_folder: Path) -> dict[str, Any]:
    """The note of an interrupted run. Raises BadSettingError (E600) when there is none."""
    from lens_core.errors import BadSettingError

    try:
        note: dict[str, Any] = json.loads((run_folder / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        what = f"{run_folder} holds no interrupted run."
        raise BadSettingError(what, "Start it again with --save-dir; features are reused.") from error
    for named in ("data_root", "ood"):
        note[named] = note[named] and str(run_folder / note[named])
    return note


def _seen_from(run_folder: Path, folder: Path) -> str:
    """Relative where that can be said: without the folders above both, which may name a person."""
    try:
        return os.path.relpath(folder.resolve(), run_folder.resolve())
    except ValueError:  # another drive on Windows
        return str(folder.resolve())
