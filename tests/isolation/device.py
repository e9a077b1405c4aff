"""A machine of its own: an environment that sees nothing of this one, and a folder to work in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Device:
    """An empty virtual environment in ``folder``, and beside it ``work``, where commands are run."""

    def __init__(self, folder: Path, constraints: Path) -> None:
        self.folder = folder / "work"
        self.folder.mkdir(parents=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
        self._bin = folder / "venv" / "bin"
        foreign = ("AI_LENS_", "PYTHON")  # settings of whoever runs the tests
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        self._environment = {
            **kept,
            "AI_LENS_CACHE_DIR": str(folder / "cache"),
            "PATH": f"{self._bin}{os.pathsep}{os.environ['PATH']}",
            "PIP_CONSTRAINT": str(constraints),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def __call__(self, *command: object) -> str:
        """What a command that must succeed prints."""
        done = self.run(*command)
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done.stdout

    def run(self, *command: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*map(str, command)],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )

    def pip(self, *arguments: object) -> str:
        return self(sys.executable, "-m", "pip", "--python", self._bin / "python", *arguments)


def build_wheels(folder: Path, *sources: str) -> list[Path]:
    """Wheels of these folders of the tree, built as they are published."""
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", folder, *(ROOT / source for source in sources)], check=True)
    return sorted(folder.glob("*.whl"))


def write_constraints(path: Path) -> bool:
    """requirements.lock without its hashes; whether a package index can be reached."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = [line.rstrip() for line in re.findall(r"^[A-Za-z0-9._-]+==[^\\\n]+", lock, re.M)]
    path.write_text("\n".join(pinned) + "\n", encoding="utf-8")
    light = next(line for line in pinned if line.startswith("attrs=="))
    ask = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", path.parent, light]
    return subprocess.run(ask, capture_output=True, check=False).returncode == 0
