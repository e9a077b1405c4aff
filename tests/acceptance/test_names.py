"""A name is a name, however a file system or a keyboard spells it."""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

Run = Callable[..., CompletedProcess[str]]


def nfd(name: str) -> str:
    return unicodedata.normalize("NFD", name)


def test_folders_zipped_on_a_mac_and_names_typed_elsewhere_are_the_same(
    lens: Run, museum: Path, weights: Path, tmp_path: Path
) -> None:
    data, run_folder = tmp_path / "data", tmp_path / "run"
    items = {"청자": "ㄱ", "백자": "ㄴ", "분청": "ㄷ"}
    for place, source in (("도자실", "A"), ("조각실", "B")):
        for item, drawn in items.items():
            shutil.copytree(museum / source / drawn, data / nfd(place) / nfd(item))
    flags = ("--backbone", "mobilenetv2", "--weights", weights, "--img-size", "96")
    places = ("--place", "도자실", "--place", nfd("조각실"))
    done = lens("train", "--data-root", data, "--save-dir", run_folder, *places, *flags)
    assert done.returncode == 0, done.stderr

    photo = data / nfd("도자실") / nfd("청자") / "00.jpg"
    answers = []
    for place in ("도자실", nfd("도자실")):
        done = lens("infer", "--model", run_folder / "best.ckpt", "--place", place, "--image", photo)
        assert done.returncode == 0, done.stderr
        answers.append(done.stdout)
    assert answers[0] == answers[1]
    answer = json.loads(answers[0])
    assert answer["place"] == "도자실"
    assert {prediction["item"] for prediction in answer["predictions"]} == set(items)
    assert "청자" in answers[0], "Korean must be readable as such"


def test_two_spellings_of_one_name_side_by_side_are_refused(lens: Run, museum: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for item in ("청자", nfd("청자")):
        shutil.copytree(museum / "A" / "ㄱ", data / "도자실" / item)
    done = lens("validate-data", "--data-root", data)
    assert done.returncode == 3
    assert "E130" in done.stderr
