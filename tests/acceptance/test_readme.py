"""The first screen of both READMEs runs as it is written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lens_core.errors import PHOTOS_HAVE_WARNINGS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def newcomer(shared: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory):
    """A shell in an empty folder, with weights on disk in place of a download; small pictures, for speed."""
    folder = tmp_path_factory.mktemp("newcomer")
    environment = os.environ | {
        "AI_LENS_WEIGHTS": str(weights),
        "AI_LENS_IMG_SIZE": "96",
        "AI_LENS_CACHE_DIR": str(folder / "cache"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }

    def shell(script: str, fine: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            ["/usr/bin/env", "bash", "-euo", "pipefail", "-c", script],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode in fine, done.stderr
        return done.stdout

    shell("ai-lens demo")
    return shell


def first_screen(name: str) -> str:
    """Up to the first section heading."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.split(r"^## ", text, flags=re.MULTILINE)[0]


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", first_screen(name), re.DOTALL)


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_the_first_screen_runs(newcomer, name: str) -> None:
    # The checkout is installed and the demo has run: those blocks are how this test came to be here.
    commands = [
        block for block in blocks(name, "bash") if "make install" not in block and "ai-lens demo" not in block
    ]
    assert len(commands) == 1
    for command in commands[0].splitlines():
        fine = (0, PHOTOS_HAVE_WARNINGS) if "validate-data" in command else (0,)
        printed = newcomer(command, fine)
    answer = json.loads(printed)
    assert answer["place"] == "금속실"
    (snippet,) = blocks(name, "python")
    decision = newcomer(f"python - <<'SNIPPET'\n{snippet}\nSNIPPET").split()[0]
    assert decision == answer["decision"]


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_the_printed_answers_are_answers(name: str) -> None:
    accepted, refused = (json.loads(block) for block in blocks(name, "json"))
    assert accepted["decision"] == "accept"
    assert refused["decision"] == "recollect"
