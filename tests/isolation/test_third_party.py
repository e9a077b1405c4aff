"""Somebody else's plugin, on a machine that has the light core only: made, installed, checked and used."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = [ROOT, ROOT / "plugins" / "exporters" / "onnx"]


class Device:
    """A machine of its own: an environment that sees nothing of this one, and a folder to work in."""

    def __init__(self, folder: Path, constraints: Path) -> None:
        self.folder = folder / "work"
        self.folder.mkdir()
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
        done = subprocess.run(
            [*map(str, command)],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done.stdout

    def pip(self, *arguments: object) -> str:
        return self(sys.executable, "-m", "pip", "--python", self._bin / "python", *arguments)


@pytest.fixture(scope="module")
def constraints(tmp_path_factory):
    """requirements.lock without its hashes; skips where no package index can be reached."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = [line.rstrip() for line in re.findall(r"^[A-Za-z0-9._-]+==[^\\\n]+", lock, re.M)]
    path = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    path.write_text("\n".join(pinned) + "\n", encoding="utf-8")
    light = next(line for line in pinned if line.startswith("attrs=="))
    ask = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", path.parent, light]
    if subprocess.run(ask, capture_output=True, check=False).returncode:
        pytest.skip("no package index can be reached")
    return path


@pytest.fixture(scope="module")
def device(constraints, tmp_path_factory):
    """The light core and the ONNX runtime, from wheels of this tree, and a new plugin as its page says."""
    folder = tmp_path_factory.mktemp("device")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", folder, *CORE], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    device = Device(folder, constraints)
    device.pip("install", "--quiet", *folder.glob("*.whl"))
    assert device("ai-lens", "plugins", "new", "index", "my-index") == "ai-lens-my-index\n"
    device.pip("install", "--quiet", "--find-links", folder, "-e", "./ai-lens-my-index[test]")
    return device


def test_the_device_has_no_pytorch(device):
    assert (
        device("python", "-c", "from importlib.util import find_spec; print(find_spec('torch'))") == "None\n"
    )


def test_it_is_listed_and_explained(device):
    rows = json.loads(device("ai-lens", "plugins", "list", "--json"))
    (row,) = [row for row in rows if row["name"] == "my-index"]
    assert (row["distribution"], row["version"], row["allowed"]) == ("ai-lens-my-index", "0.1.0", True)
    assert "implements  make_index" in device("ai-lens", "plugins", "info", "my-index")


def test_it_keeps_its_contract(device):
    last = device("ai-lens", "plugins", "check", "my-index").splitlines()[-1]
    assert last.startswith("index 'my-index' (ai-lens-my-index 0.1.0): keeps its contract, ")


def test_its_own_tests_pass(device):
    assert re.search(r"\d+ passed", device("pytest", "ai-lens-my-index").splitlines()[-1])


def test_the_command_line_uses_it(device, onnx_model, museum, visitor):
    about = ["--model", onnx_model, "--place", "A"]
    device(
        "ai-lens", "build-index", *about, "--data-root", museum, "--index", "my-index", "--save", "A.index"
    )
    ask = ["ai-lens", "infer", *about, "--image", visitor("A", "ㄱ")]
    from_file, anew = device(*ask, "--index-file", "A.index"), device(*ask, "--index", "my-index")
    assert json.loads(anew)["place"] == "A"
    assert from_file == anew == device(*ask, "--index", "exact"), "distances come from the gallery itself"
