"""ai-lens tracker TensorBoard: curves of a training, in event files beside the model."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from lens_core.contracts import Tracker
from lens_core.hookspecs import hookimpl


@frozen
class TensorBoardOptions:
    """Where the curves are kept."""

    folder: Path | None = None
    """A folder for the curves of many runs, each in one of its own there; None: in the folder of the run."""


@hookimpl
def options_type() -> type[TensorBoardOptions]:
    """What ``--tracker-option tensorboard.KEY=VALUE`` may set."""
    return TensorBoardOptions


@hookimpl
def make_tracker(options: TensorBoardOptions) -> Tracker:
    """A tracker that leaves files for ``tensorboard --logdir``."""
    from ai_lens_tensorboard.tracker import TensorBoardTracker

    return TensorBoardTracker(options.folder)
