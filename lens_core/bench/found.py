"""The files that a model has, and the one that tells what the model is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from lens_core.bench.row import Candidate
from lens_core.errors import LensError, ModelLoadError
from lens_core.runtime.folders import BEST, artifacts_in, folder_of, is_checkpoint, is_folder, suffix_of
from lens_core.runtime.lens import Lens


@frozen
class Wanted:
    """What shall be measured besides the files that are there, and on which photos."""

    exporters: tuple[str, ...] = ()
    quantize: str | None = None
    sizes: tuple[int, ...] = ()
    """In pixels, besides the one the model was trained for; these need ``data_root``."""
    data_root: Path | None = None
    ood: Path | None = None


def files_of(model: Path) -> list[Candidate]:
    """Of a folder what counts there; of a file all that is called as it is, up to the first dot.

    The checkpoint comes first. Raises ModelLoadError (E200) where there is nothing.
    """
    if not model.exists():
        raise ModelLoadError(f"There is no model file {model}.")
    name = BEST if is_folder(model) else model.name.partition(".")[0]
    paths = artifacts_in(folder_of(model), name)
    ranked = sorted(paths, key=lambda path: (not is_checkpoint(path), path.name))
    return [Candidate(path.name, path, suffix_of(path)) for path in ranked]


def checkpoint_of(files: Sequence[Candidate]) -> Path | None:
    """The checkpoint among them."""
    return next((one.path for one in files if one.path and is_checkpoint(one.path)), None)


def open_any(model: Path, candidates: Sequence[Candidate]) -> Lens:
    """The named file, or the first of a folder that opens here. Raises what opening the first one raises."""
    failures: list[LensError] = []
    for path in [one.path for one in candidates if one.path] if is_folder(model) else [model]:
        try:
            return Lens(path)
        except LensError as error:
            failures.append(error)
    raise failures[0]
