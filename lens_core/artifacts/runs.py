"""A run's folder: the names of what is in it, and ``run.json``, which tells how it was started and ended."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import attrs
import cattrs
from attrs import field, frozen

from lens_core.artifacts.atomic import atomic_write, write_json
from lens_core.artifacts.provenance import Origin
from lens_core.errors import LensError, NoRunError
from lens_core.settings import impersonal
from lens_core.structure import converter, explain

NAME = "run.json"
CHECKPOINT = "best.ckpt"
SETTINGS = "settings.yaml"
PACKAGES = "packages.txt"
METRICS = "metrics.json"
HELD_OUT = "held_out.jsonl"
PHOTOS = "photos.sha256.json"
REFUSED = "refused.sha256.json"
"""Of photos that show no exhibit; only where there were some."""
TUNING = "fine-tuning"
"""Where an interrupted fine-tuning goes on from; gone once the run is complete."""
FORMAT = 1


@frozen
class RunRecord:
    """How a training was started."""

    data_root: str | None
    """Seen from the run's folder, so that both can move together; None where ``strip_pii`` took it away."""
    places: tuple[str, ...]
    """Those that were chosen; empty: all."""
    ood: str | None
    """As ``data_root``."""
    settings: dict[str, Any]
    """By dotted key; ``weights`` as ``data_root``."""
    origin: Origin = field(eq=False)
    state: Literal["unfinished", "done"] = "unfinished"
    seconds: float | None = None
    """From the start to the end; None where it was resumed in between."""
    resumed: bool = field(default=False, eq=False)
    format: int = field(default=FORMAT)

    @classmethod
    def of(
        cls,
        folder: Path,
        data_root: Path,
        places: Sequence[str],
        ood: Path | None,
        settings: Mapping[str, Any],
        origin: Origin,
    ) -> RunRecord:
        seen = _seen_from(folder, ood) if ood else None
        given = dict(settings)
        if weights := given.get("weights"):
            # Its own name stays: a download may be a link to a file that is named by its content.
            given["weights"] = f"{_seen_from(folder, Path(weights).parent)}/{Path(weights).name}"
        return cls(_seen_from(folder, data_root), tuple(places), seen, given, origin)

    def data_of(self, folder: Path) -> Path | None:
        """The data folder, of a run that lies in ``folder``."""
        return folder / self.data_root if self.data_root else None

    def ood_of(self, folder: Path) -> Path | None:
        """The folder of photos that show no exhibit, if one was given."""
        return folder / self.ood if self.ood else None

    def settings_in(self, folder: Path) -> dict[str, Any]:
        """The settings by dotted key, of a run that lies in ``folder``."""
        weights = self.settings.get("weights")
        return self.settings | {"weights": str(folder / weights)} if weights else self.settings

    def going_on(self, folder: Path) -> RunRecord:
        """As the unfinished run in ``folder`` was started, if it was started just so; else as this one is."""
        try:
            begun = read(folder)
        except NoRunError:
            return self
        return attrs.evolve(begun, resumed=True) if begun == self else self

    def done(self, seconds: float) -> RunRecord:
        """Complete; with ``strip_pii`` it no longer tells where anything lies, which may name a person."""
        complete = attrs.evolve(self, state="done", seconds=None if self.resumed else seconds)
        if not self.settings.get("strip_pii"):
            return complete
        return attrs.evolve(
            complete,
            data_root=None,
            ood=None,
            settings=impersonal(self.settings),
            origin=self.origin.without_folders(),
        )


@contextmanager
def recorded(folder: Path, record: RunRecord) -> Iterator[None]:
    """Keep the record while the work goes on, and say when it is done.

    A run that was stopped stays unfinished; so does one that failed, if it has learned something to go on
    from. A mistake that came before leaves the folder's record as it was.
    """
    path = folder / NAME
    before = path.read_bytes() if path.is_file() else None
    started = time.monotonic()
    write_json(path, attrs.asdict(record))
    began = path.stat().st_mtime_ns
    try:
        yield
    except LensError:
        if any(kept.stat().st_mtime_ns >= began for kept in (folder / TUNING).glob("*/*")):
            raise
        if before is None:
            path.unlink(missing_ok=True)
        else:
            atomic_write(path, before)
        raise
    seconds = round(time.monotonic() - started, 1)
    write_json(path, attrs.asdict(record.done(seconds)))


def read(folder: Path) -> RunRecord:
    """The record of a run. Raises NoRunError (E250)."""
    path = folder / NAME
    try:
        found = converter.structure(json.loads(path.read_text(encoding="utf-8")), RunRecord)
    except FileNotFoundError as error:
        raise NoRunError(f"{folder} holds no run: there is no {NAME}.") from error
    except (OSError, ValueError, TypeError, KeyError, cattrs.BaseValidationError) as error:
        reason = explain(error) if isinstance(error, cattrs.BaseValidationError) else error
        raise NoRunError(f"{path} cannot be read: {reason}.") from error
    if found.format > FORMAT:
        raise NoRunError(f"{path} was written by a newer ai-lens.")
    return found


def interrupted(root: Path, wanted: Callable[[Path], RunRecord]) -> Path | None:
    """The folder, directly below ``root``, of the newest unfinished run that was started just so.

    ``wanted``: how a run would be started in a folder.
    """
    for folder in sorted(folders(root), key=lambda folder: -(folder / NAME).stat().st_mtime_ns):
        try:
            record = read(folder)
        except NoRunError:
            continue
        if record.state == "unfinished" and record == wanted(folder):
            return folder
    return None


def folders(root: Path) -> list[Path]:
    """The runs' folders directly below ``root``, by name."""
    return sorted(path.parent for path in root.glob(f"*/{NAME}"))


def _seen_from(run_folder: Path, folder: Path) -> str:
    """Relative where that can be said: without the folders above both, which may name a person."""
    try:
        return Path(os.path.relpath(folder.resolve(), run_folder.resolve())).as_posix()
    except ValueError:  # another drive on Windows
        return str(folder.resolve())
