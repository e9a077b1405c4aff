"""Semantic versions of models: other exhibits make a major, other numbers a minor, other words a patch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from attrs import frozen

from lens_core.artifacts import container, manifest, runs
from lens_core.artifacts import gallery as galleries
from lens_core.artifacts.gallery import Gallery
from lens_core.artifacts.manifest import Manifest
from lens_core.errors import LensError

FIRST = "1.0.0"


@frozen
class Proposal:
    """A version, and why."""

    version: str
    reason: str


@frozen(eq=False)
class Previous:
    """The model that a new one follows."""

    path: Path
    manifest: Manifest
    gallery: Gallery


def previous(folder: Path, places: tuple[str, ...]) -> Previous | None:
    """The model in ``folder``; else that of the newest run beside it that knows one of these places."""
    beside = [run for run in runs.folders(folder.resolve().parent) if run != folder.resolve()]
    newest_first = sorted(filter(None, map(_started, beside)), reverse=True)
    for run in [folder, *(run for _, run in newest_first)]:
        found = _open(run / runs.CHECKPOINT)
        if found and (run == folder or set(found.manifest.places) & set(places)):
            return found
    return None


def propose(new: Manifest, gallery: Gallery, before: Previous | None) -> Proposal:
    """The version of a new model and its gallery."""
    if before is None:
        return Proposal(FIRST, "the first model here")
    old = before.manifest
    after = f"{before.path.resolve().parent.name} ({old.model_version})"
    if set(new.classes) != set(old.classes):
        return Proposal(bumped(old.model_version, "major"), f"other exhibits than {after}")
    if _numbers(new) != _numbers(old):
        reason = f"the exhibits of {after}, with other weights or thresholds"
        return Proposal(bumped(old.model_version, "minor"), reason)
    if gallery.descriptions != before.gallery.descriptions:
        return Proposal(bumped(old.model_version, "patch"), f"{after} with other descriptions")
    return Proposal(old.model_version, f"the very model of {after}")


def bumped(version: str, part: Literal["major", "minor", "patch"]) -> str:
    """The version that follows: ``1.2.3`` -> ``2.0.0``, ``1.3.0`` or ``1.2.4``."""
    major, minor, patch = map(int, version.split("."))
    match part:
        case "major":
            return f"{major + 1}.0.0"
        case "minor":
            return f"{major}.{minor + 1}.0"
        case "patch":
            return f"{major}.{minor}.{patch + 1}"


def _numbers(about: Manifest) -> tuple[object, ...]:
    return about.embedding_id, about.calibration, about.thresholds


def _started(run: Path) -> tuple[str, Path] | None:
    try:
        return runs.read(run).origin.started, run
    except LensError:
        return None


def _open(path: Path) -> Previous | None:
    """None where there is no model that can be read: it is followed by none."""
    try:
        documents = container.read(path)
        about = manifest.from_documents(documents, path)
        return Previous(path, about, galleries.from_bytes(documents[galleries.NAME], path))
    except (LensError, KeyError):
        return None
