"""Folders of models: which of their files count."""

from __future__ import annotations

from pathlib import Path

from lens_core import plugins
from lens_core.artifacts.runs import CHECKPOINT
from lens_core.errors import ModelLoadError

BEST, CKPT = Path(CHECKPOINT).stem, Path(CHECKPOINT).suffix


def is_folder(path: Path) -> bool:
    """Whether it is a folder of artifacts; some artifacts are folders themselves."""
    try:
        return path.is_dir() and suffix_of(path) not in _suffixes()
    except OSError:  # whoever opens it says why it cannot be looked at
        return False


def refuse_missing(path: Path) -> None:
    """Raises ModelLoadError (E200) where there is nothing, or nothing that may be looked at."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelLoadError(f"There is no model file {path}.", "Check the path.") from error
    except OSError as error:
        raise ModelLoadError(f"{path} cannot be read: {error.strerror or error}.") from error


def folder_of(path: Path) -> Path:
    """Where a model's files lie."""
    return path if is_folder(path) else path.parent


def artifacts_in(folder: Path, name: str = BEST) -> list[Path]:
    """The folder's files called ``best.*``, or by another ``name``, that a runtime opens.

    Where none is called so, all that a runtime opens. Raises ModelLoadError (E200) when there are none, or
    the folder may not be read.
    """
    known = _suffixes()
    try:
        found = sorted(path for path in folder.iterdir() if suffix_of(path) in known)
    except OSError as error:
        raise ModelLoadError(f"{folder} cannot be read: {error.strerror or error}.") from error
    if not found:
        formats = ", ".join(f".{suffix}" for suffix in sorted(known))
        raise ModelLoadError(
            f"{folder} holds no model: no file in it ends in {formats}.",
            "Name the folder of a run, or of files that `ai-lens export` wrote.",
        )
    return [path for path in found if path.name.startswith(f"{name}.")] or found


def is_checkpoint(path: Path) -> bool:
    return path.suffix.lower() == CKPT


def suffix_of(path: Path) -> str:
    """By which its runtime is found: ``onnx``."""
    return path.suffix.removeprefix(".").lower()


def _suffixes() -> set[str]:
    """Of files that a runtime opens, also of those that could be installed: their error says how."""
    return {plugin.name for plugin in plugins.find("runtime")} | set(plugins.PUBLISHED["runtime"])
