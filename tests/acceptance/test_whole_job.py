"""``ai-lens --backbone ... --index faiss`` and ``ai-lens demo``: everything in one go."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

Run = Callable[..., CompletedProcess[str]]


def test_without_a_command_it_does_the_whole_job(
    lens: Run, museum: Path, weights: Path, tmp_path: Path
) -> None:
    run_folder = tmp_path / "run"
    front = ("--backbone", "mobilenetv2", "--weights", weights, "--index", "faiss")
    done = lens(*front, "--data-root", museum, "--save-dir", run_folder)
    assert done.returncode == 0, done.stderr
    made = {path.name for path in run_folder.iterdir()}
    assert {"best.ckpt", "best.onnx", "A.index", "B.index", "metrics.json"} <= made

    photo = museum / "B" / "ㄷ" / "03.jpg"
    question = ("infer", "--model", run_folder / "best.onnx", "--place", "B", "--image", photo)
    plain = lens(*question)
    indexed = lens(*question, "--index-file", run_folder / "B.index")
    assert plain.returncode == indexed.returncode == 0, indexed.stderr
    assert json.loads(plain.stdout)["selected_item"] == "ㄷ"
    assert plain.stdout == indexed.stdout


def test_the_demo_draws_trains_and_answers_three_photos(lens: Run, tmp_path: Path) -> None:
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")}
    done = lens("demo", "--folder", tmp_path / "demo", **offline)
    assert done.returncode == 0, done.stderr
    exhibit, other_place, wall = (
        json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")
    )
    assert (exhibit["decision"], exhibit["selected_item"]) == ("accept", "금동 대향로")
    assert other_place["decision"] == "recollect"
    assert wall["decision"] == "recollect"
    assert "from scratch" in done.stderr
