"""A run's folder: the names of what is in it, and ``run.json``, which tells how its model was made.

While a training goes on, ``run.unfinished.json`` tells how it was started; a model that was there before
keeps its own ``run.json`` until it is replaced.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import attrs
import cattrs
from attrs import field, frozen

from lens_core.artifacts.atomic import write_json
from lens_core.artifacts.provenance import Origin
from lens_core.errors import LensError, NoRunError
from lens_core.settings import Settings, flatten, impersonal, keys
from lens_core.structure import converter, explain

NAME, BEGUN = "run.json", "run.unfinished.json"
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
LEFT_TO_THE_MACHINE = ("finetune", "train_size", "hardware.precision", "hardware.micro_batch")
"""Settings that may be left open, for what the machine can do, and that change what is learned, be it by
rounding."""
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
    version_asked: str | None
    """By ``--model-version``."""
    export_onnx: bool
    origin: Origin = field(eq=False)
    state: Literal["unfinished", "done"] = "unfinished"
    seconds: float | None = None
    """From the start to the end; None where it was resumed in between."""
    resumed: bool = field(default=False, eq=False)
    decided: dict[str, Any] = field(factory=dict, eq=False)
    """What an unfinished run has made of :data:`LEFT_TO_THE_MACHINE`; wherever it goes on, it goes on so. A
    complete one's manifest tells."""
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
        version_asked: str | None = None,
        export_onnx: bool = False,
    ) -> RunRecord:
        seen = _seen_from(folder, ood) if ood else None
        given = dict(settings)
        if weights := given.get("weights"):
            # Its own name stays: a download may be a link to a file that is named by its content.
            given["weights"] = f"{_seen_from(folder, Path(weights).parent)}/{Path(weights).name}"
        where = _seen_from(folder, data_root)
        return cls(where, tuple(places), seen, given, version_asked, export_onnx, origin)

    def data_of(self, folder: Path) -> Path | None:
        """The data folder, of a run that lies in ``folder``."""
        return folder / self.data_root if self.data_root else None

    def ood_of(self, folder: Path) -> Path | None:
        """The folder of photos that show no exhibit, if one was given."""
        return folder / self.ood if self.ood else None

    def settings_in(self, folder: Path) -> dict[str, Any]:
        """The settings by dotted key, of a run that lies in ``folder``. Raises NoRunError (E250)."""
        if unknown := self.settings.keys() - dict(keys()).keys():
            names = ", ".join(sorted(unknown))
            raise NoRunError(f"The run in {folder} has settings that this ai-lens does not know: {names}.")
        weights = self.settings.get("weights")
        return self.settings | {"weights": str(folder / weights)} if weights else self.settings

    def going_on(self, folder: Path) -> RunRecord:
        """As the unfinished run in ``folder`` was started, if it was started just so; else as this one is.

        What was decided there stays so, where this one leaves as much to the machine.
        """
        try:
            found = begun(folder)
        except NoRunError:
            return self
        if found is None:
            return self
        if found == self:
            return attrs.evolve(found, resumed=True)
        still_open = {
            key: made
            for key, made in found.decided.items()
            if found.settings.get(key) == self.settings.get(key)
        }
        return attrs.evolve(self, decided=still_open) if "finetune" in still_open else self

    def done(self, seconds: float) -> RunRecord:
        """Complete; with ``strip_pii`` it no longer tells where anything lies, which may name a person."""
        complete = attrs.evolve(self, state="done", seconds=None if self.resumed else seconds, decided={})
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

    A run that was stopped stays unfinished; so does one that failed, if there is something to go on from.
    """
    path = folder / BEGUN
    started = time.monotonic()
    write_json(path, attrs.asdict(record))
    try:
        yield
    except LensError:
        if not any((folder / TUNING).glob("*/*")):
            path.unlink(missing_ok=True)
            with suppress(OSError):  # it holds something
                folder.rmdir()
        raise
    seconds = round(time.monotonic() - started, 1)
    write_json(folder / NAME, attrs.asdict(record.done(seconds)))
    path.unlink()


def settled(settings: Settings) -> dict[str, Any]:
    """Those of :data:`LEFT_TO_THE_MACHINE`, by dotted key."""
    values = flatten(settings)
    return {key: values[key] for key in LEFT_TO_THE_MACHINE}


def keep_decided(folder: Path, settings: Settings) -> None:
    """Let an unfinished run, if there is one, tell what its machine has decided."""
    if record := begun(folder):
        write_json(folder / BEGUN, attrs.asdict(attrs.evolve(record, decided=settled(settings))))


def read(folder: Path) -> RunRecord:
    """The record of the run that made the model in ``folder``, or is to make it. Raises NoRunError (E250)."""
    found = _read(folder / NAME) or _read(folder / BEGUN)
    if found is None:
        raise NoRunError(f"{folder} holds no run: there is no {NAME}.")
    return found


def begun(folder: Path) -> RunRecord | None:
    """The record of a run that was started and is not complete. Raises NoRunError (E250) if it is damaged."""
    return _read(folder / BEGUN)


def _read(path: Path) -> RunRecord | None:
    try:
        found = converter.structure(json.loads(path.read_text(encoding="utf-8")), RunRecord)
    except FileNotFoundError:
        return None
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
    for path in sorted(root.glob(f"*/{BEGUN}"), key=lambda path: -path.stat().st_mtime_ns):
        try:
            record = _read(path)
        except NoRunError:
            continue
        if record == wanted(path.parent):
            return path.parent
    return None


def folders(root: Path) -> list[Path]:
    """The runs' folders directly below ``root``, by name."""
    return sorted({path.parent for name in (NAME, BEGUN) for path in root.glob(f"*/{name}")})


def _seen_from(run_folder: Path, folder: Path) -> str:
    """Relative where that can be said: without the folders above both, which may name a person."""
    try:
        return Path(os.path.relpath(folder.resolve(), run_folder.resolve())).as_posix()
    except ValueError:  # another drive on Windows
        return str(folder.resolve())
