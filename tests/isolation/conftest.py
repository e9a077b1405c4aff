"""One throw-away environment with a dozen hostile distributions, really installed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from device import write_constraints
from hostile import ALL, TWIN
from wheels import make_environment, pip_install, write_wheel

Run = Callable[..., subprocess.CompletedProcess[bytes]]
HERE = Path(sys.executable).with_name("ai-lens")


def runner(command: Path) -> Run:
    """Run this ``ai-lens`` in a process of its own, with environment variables as keywords."""

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [command, *map(str, arguments)],
            capture_output=True,
            env={**os.environ, **environment},
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def constraints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The versions that are tested together; skips where no package index can be reached."""
    path = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    if not write_constraints(path):
        pytest.skip("no package index can be reached")
    return path


@pytest.fixture(scope="session")
def usual() -> Run:
    """``ai-lens`` as it is installed here."""
    if os.name == "nt" or not HERE.exists():
        pytest.skip("ai-lens is not installed beside this Python")
    return runner(HERE)


@pytest.fixture(scope="session")
def besieged(usual: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same, with every hostile distribution installed."""
    folder = tmp_path_factory.mktemp("besieged")
    command = make_environment(folder / "venv")
    wheels = [
        write_wheel(
            folder,
            one.distribution,
            one.source,
            {group: ["exact", "faiss"] if one is TWIN else [one.name] for group in one.groups},
            one.requires,
        )
        for one in ALL
    ]
    pip_install(command, *wheels)
    return runner(command)
