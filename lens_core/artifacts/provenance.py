"""Where a model came from: photos, software, machine, and who asked for it how."""

from __future__ import annotations

import hashlib
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from lens_core import __version__
from lens_core.artifacts.cache import file_hash
from lens_core.photos.layout import Dataset
from lens_core.photos.strays import StrayPhoto

_RECORDED = (
    "ai-lens-helper",
    "numpy",
    "pillow",
    "pytorch-metric-learning",
    "safetensors",
    "scikit-learn",
    "timm",
    "torch",
    "torchvision",
)


@frozen
class GitState:
    """The git repository in which a command was given."""

    commit: str
    changed: bool
    """Whether tracked files were other than in that commit."""


@frozen
class Origin:
    """How and when a run was started."""

    command: str
    started: str
    """UTC, ISO 8601."""
    git: GitState | None

    @classmethod
    def here(cls) -> Origin:
        """Of this very process."""
        words = [Path(sys.argv[0]).name, *sys.argv[1:]]
        return cls(shlex.join(words), datetime.now(UTC).isoformat(timespec="seconds"), _git())

    def without_folders(self) -> Origin:
        """For what others get to see: files keep their names, the folders they lie in may name a person."""
        return attrs.evolve(self, command=shlex.join(map(_without_folders, shlex.split(self.command))))


def _without_folders(word: str) -> str:
    option, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
    return option + equals + Path(value).name


def _git() -> GitState | None:
    """None outside a repository, and where there is no git."""

    git = shutil.which("git")
    if not git:
        return None

    def ask(*words: str) -> str:
        return subprocess.run([git, *words], capture_output=True, text=True, check=True, timeout=5).stdout

    try:
        commit = ask("rev-parse", "HEAD").strip()
        return GitState(commit, bool(ask("status", "--porcelain", "--untracked-files=no").strip()))
    except (OSError, subprocess.SubprocessError):
        return None


def record(dataset: Dataset, hashes: Sequence[str], refused: Sequence[str], origin: Origin) -> dict[str, Any]:
    """For the manifest: one hash over every photo's content and what it shows, environment and origin.

    ``refused`` are the SHA-256 of photos that show no exhibit. File names and their order do not matter.
    """
    found = {
        "data_hash": data_hash(dataset, hashes),
        "photos": len(dataset.photos),
        "environment": environment(),
        **attrs.asdict(origin.without_folders()),
    }
    if refused:
        found["refused_hash"] = hashlib.sha256("\n".join(sorted(refused)).encode()).hexdigest()
    return found


def data_hash(dataset: Dataset, hashes: Sequence[str]) -> str:
    """One hash over every photo's content (the SHA-256 of each is given) and what it shows."""
    lines = sorted(f"{p.place}\0{p.item}\0{h}" for p, h in zip(dataset.photos, hashes, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def per_file(dataset: Dataset, hashes: Sequence[str]) -> dict[str, str]:
    """The SHA-256 of each photo by its path inside the data folder."""
    return {
        dataset.inside(photo): photo_hash for photo, photo_hash in zip(dataset.photos, hashes, strict=True)
    }


def of_refused(strays: Sequence[StrayPhoto]) -> dict[str, str]:
    """The SHA-256 of each photo that shows no exhibit by its name."""
    return {stray.name: file_hash(stray.path) for stray in strays}


def environment() -> dict[str, Any]:
    """Python, machine and the versions of the libraries that shape the numbers."""
    versions = {}
    for name in _RECORDED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {"python": sys.version.split()[0], "platform": platform.platform(), "packages": versions}


def packages() -> str:
    """Every installed distribution and its version, a line each, as pip reads them."""
    found = {(d.metadata["Name"], d.version) for d in metadata.distributions() if d.metadata["Name"]}
    return "".join(f"{name}=={version}\n" for name, version in sorted(found, key=lambda one: one[0].lower()))


def made_by() -> str:
    return f"ai-lens-helper {__version__}"
