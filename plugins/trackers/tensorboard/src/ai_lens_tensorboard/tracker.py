"""Event files, as ``tensorboard --logdir`` shows them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from lens_core.artifacts.atomic import check_writable

# It warns of points whose place others have taken.
logging.getLogger("tensorboard").setLevel(logging.ERROR)

FOLDER = "tensorboard"
"""In the folder of the run."""
FINAL = "final/"
"""Before the names of figures of the finished model."""


class TensorBoardTracker:
    """Curves over the passes. A pass that is told again takes the place of what was told of it before."""

    def __init__(self, folder: Path | None) -> None:
        self._shared = folder
        self._folder: Path
        self._settings: str
        self._writer: Any = None  # a SummaryWriter, from the start on
        self._last = 0  # pass that was told

    def start(self, run: str, settings: Mapping[str, Any], folder: Path) -> None:
        """Go on with the curves of an interrupted training, or begin new ones.

        Raises CannotWriteError (E700).
        """
        self._folder = self._shared / run if self._shared else folder / FOLDER
        check_writable(self._folder / "events")
        self._settings = _indented(json.dumps(settings, ensure_ascii=False, indent=1, default=str))
        self._begin(_interrupted_after(self._folder) + 1)

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """A point on each curve, to be seen at once."""
        if step <= self._last:
            self._begin(step)
        self._last = step
        self._add(figures)

    def conclude(self, figures: Mapping[str, float]) -> None:
        """The figures of the finished model, beside the last pass."""
        self._add({FINAL + name: value for name, value in figures.items()})

    def close(self, status: Literal["done", "stopped"]) -> None:
        """Everything is written; also where nothing had begun."""
        if self._writer:
            self._writer.close()

    def _begin(self, step: int) -> None:
        """From pass ``step`` on, and without anything that was told of it and those behind it."""
        if self._writer:
            self._writer.close()
        self._last = step - 1
        # A training that begins anew has other settings, too: they stand at 0.
        self._writer = SummaryWriter(str(self._folder), purge_step=step if step > 1 else 0)
        self._writer.add_text("settings", self._settings, self._last)
        self._writer.flush()

    def _add(self, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self._writer.add_scalar(name, value, self._last)
        self._writer.flush()


def _interrupted_after(folder: Path) -> int:
    """The last pass of a training that was interrupted; 0 where none was begun, or it came to its end."""
    told = EventAccumulator(str(folder), size_guidance={SCALARS: 1}).Reload()
    last = {name: told.Scalars(name)[-1].step for name in told.Tags()[SCALARS] if told.Scalars(name)}
    complete = any(name.startswith(FINAL) for name in last)
    return 0 if complete else max(last.values(), default=0)


def _indented(text: str) -> str:
    """As Markdown shows it letter by letter."""
    return "".join(f"    {line}\n" for line in text.splitlines())
