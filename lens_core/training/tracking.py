"""Telling trackers (TensorBoard, MLflow ...) how a training goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from lens_core import plugins
from lens_core.contracts import Tracker
from lens_core.errors import LensError
from lens_core.progress import Tell
from lens_core.settings import Settings, flatten, recorded
from lens_core.training.passes import Best, Pass

FIGURES = ("loss", "held_out_loss", "top1", "auroc_reject", "lr")
"""Of each pass."""


@attrs.define(eq=False)
class Trackers:
    """All that were chosen. One that fails on the way is told of and left out: the training goes on."""

    running: dict[str, Tracker]
    tell: Tell

    def watch(self, passes: Sequence[Pass], best: Best) -> None:
        """Tell them what the last pass has brought."""
        last = passes[-1]
        known = {name: getattr(last, name) for name in FIGURES}
        self._all("log", last.number, {name: value for name, value in known.items() if value is not None})

    def conclude(self, figures: Mapping[str, Any]) -> None:
        """Tell them how good the model is, as ``metrics.json`` does."""
        self._all("conclude", _flat(figures))

    def _all(self, what: str, *given: Any) -> None:
        for name, tracker in list(self.running.items()):
            try:
                getattr(tracker, what)(*given)
            except LensError as error:
                del self.running[name]
                goes_on = "" if what == "close" else " Training goes on without it."
                self.tell(f"warning: {error}{goes_on}")


@contextmanager
def tracked(settings: Settings, save_dir: Path, tell: Tell) -> Iterator[Trackers]:
    """The trackers of ``settings.trackers``, told of the run; closed in the end, however it comes.

    Raises PluginError (E4xx) for one that cannot be had or cannot begin.
    """
    trackers = Trackers({}, tell)
    told = attrs.evolve(settings, weights=recorded(settings)["weights"])
    status = "stopped"
    try:
        for name in settings.trackers:
            options = settings.tracker_options.get(name, {})
            trackers.running[name] = tracker = plugins.make("tracker", name, options)
            tracker.start(save_dir.resolve().name, flatten(told), save_dir)
        yield trackers
        status = "done"
    finally:
        trackers._all("close", status)


def _flat(figures: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """``{"unknown": {"ood": {"auroc": 0.9}}}`` -> ``{"unknown/ood/auroc": 0.9}``; numbers only."""
    found: dict[str, float] = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{name}/")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            found[f"{prefix}{name}"] = float(value)
    return found
