"""Runs beside each other: which there are, and in what they differ."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from lens_core.artifacts import manifest, runs
from lens_core.artifacts.manifest import Manifest
from lens_core.artifacts.runs import RunRecord
from lens_core.errors import LensError
from lens_core.progress import Tell


@frozen(eq=False)
class Run:
    """A run's folder, and what it tells of itself."""

    folder: Path
    record: RunRecord
    manifest: Manifest | None
    """None while there is no model."""
    figures: Mapping[str, Any]
    """See :func:`lens_core.evaluation.metrics.figures`; empty where nothing could be held out."""

    def value(self, figure: str) -> float | None:
        """Of a figure: ``top1``, ``look_alike.auroc``."""
        kind, _, name = figure.rpartition(".")
        group = self.figures.get("unknown", {}).get(kind, {}) if kind else self.figures
        found = group.get(name)
        return found["value"] if isinstance(found, dict) else None


def load(folder: Path) -> Run:
    """Raises NoRunError (E250)."""
    record = runs.read(folder)
    try:
        figures = json.loads((folder / runs.METRICS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        figures = {}
    path = folder / runs.CHECKPOINT
    try:
        about = manifest.peek(path)
    except LensError:
        about = None
    return Run(folder, record, about, figures)


def below(root: Path, tell: Tell) -> list[Run]:
    """The runs directly below a folder, the oldest first. Of those that cannot be read ``tell`` hears why."""
    found = []
    for folder in runs.folders(root):
        try:
            found.append(load(folder))
        except LensError as error:
            tell(str(error))
    return sorted(found, key=lambda run: run.record.origin.started)


def differences(several: Sequence[Run]) -> dict[str, list[Any]]:
    """What is not the same for all of them: settings by dotted key, photos, machine, and every package."""
    facts = [_facts(run) for run in several]
    names = dict.fromkeys(name for one in facts for name in one)
    rows = {name: [one.get(name) for one in facts] for name in names}
    return {name: values for name, values in rows.items() if any(value != values[0] for value in values)}


def _facts(run: Run) -> dict[str, Any]:
    about = run.manifest.provenance if run.manifest else {}
    environment = about.get("environment", {})
    git = run.record.origin.git
    return {
        **run.record.settings,
        "places": ", ".join(run.manifest.places) if run.manifest else None,
        "photos": about.get("photos"),
        "data_hash": about.get("data_hash"),
        "refused_hash": about.get("refused_hash"),
        "git commit": git and git.commit,
        "python": environment.get("python"),
        "platform": environment.get("platform"),
        "device": about.get("device"),
        "processes": about.get("processes"),
        **_packages(run.folder),
    }


def _packages(folder: Path) -> dict[str, str]:
    """Version by name; nothing where the run has left no list."""
    try:
        lines = (folder / runs.PACKAGES).read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return dict(line.split("==", 1) for line in lines if "==" in line)
