"""A name is a name, however a file system or a keyboard spells it."""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from lens_core.artifacts import container
from lens_core.artifacts.cache import cache_folder
from lens_core.artifacts.provenance import Origin
from lens_core.photos.layout import scan
from lens_core.photos.strays import find_strays
from lens_core.settings import Settings
from lens_core.training.train import train

Run = Callable[..., CompletedProcess[str]]
STARTED = Origin("ai-lens train", "2026-01-02T03:04:05+00:00", None)


def nfd(name: str) -> str:
    return unicodedata.normalize("NFD", name)


def nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def respelt(data: Path, copy: Path, *spellings: Callable[[str], str]) -> Path:
    """A copy of a data folder, its names in these spellings in turn."""
    turns = cycle(spellings)
    for path in sorted(data.rglob("*")):
        if path.is_file():
            folder = copy.joinpath(*(_known(copy, part, turns) for part in path.relative_to(data).parts[:-1]))
            folder.mkdir(parents=True, exist_ok=True)
            name = path.name if path.suffix == ".json" else next(turns)(path.name)
            shutil.copy(path, folder / name)
    return copy


def _known(copy: Path, name: str, turns: Iterator[Callable[[str], str]]) -> str:
    """The spelling a folder's name got when it was first met: one place must not become two."""
    there = {nfc(path.name): path.name for path in copy.rglob("*") if path.is_dir()}
    return there.get(nfc(name)) or next(turns)(name)


@pytest.fixture(scope="module")
def korean_museum(
    build_museum: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """``korean_museum(nfc, nfd)``: always the same photos, the names of all that is in it so spelt."""
    items = {"청자": ("disc", "crimson"), "백자": ("box", "gold"), "분청": ("tent", "teal")}
    data = build_museum(tmp_path_factory.mktemp("korean") / "data", {"도자실": items, "조각실": items})
    for photo in data.rglob("*.jpg"):
        photo.rename(photo.with_name(f"사진 {'가각간'[int(photo.stem[-1]) % 3]} {photo.stem}.jpg"))
    (data / "ood").mkdir()
    for number, photo in enumerate(sorted((data / "조각실" / "백자").iterdir())[:3]):
        photo.rename(data / "ood" / f"벽 {number}.jpg")
    said = {"places": {"도자실": {"items": {"청자": {"description": {"ko": "푸른 병"}}}}}}
    (data / "metadata.json").write_text(json.dumps(said), encoding="utf-8")

    def spelt(*spellings: Callable[[str], str]) -> Path:
        return respelt(data, tmp_path_factory.mktemp("spelt") / "data", *spellings)

    return spelt


@pytest.mark.parametrize("spellings", [(nfd,), (nfc, nfd)], ids=["NFD", "mixed"])
def test_every_spelling_gives_the_same_classes_split_cache_and_model(
    korean_museum: Callable[..., Path],
    tiny_settings: Settings,
    tmp_path: Path,
    spellings: tuple[Callable[[str], str], ...],
) -> None:
    written, cached = [], []
    for folder, names in (("typed", (nfc,)), ("zipped", spellings)):
        data = korean_museum(*names)
        dataset = scan(data)
        assert dataset.items == tuple((p, i) for p in ("도자실", "조각실") for i in ("백자", "분청", "청자"))
        strays = find_strays(dataset, data)
        train(tiny_settings, dataset, tmp_path / folder, strays=strays, origin=STARTED)
        written.append(everything_in(tmp_path / folder))
        cached.append(sorted((cache_folder() / "features").rglob("*")))
    assert {"held_out.jsonl", "photos.sha256.json", "model.safetensors"} <= set(written[0])
    assert [name for name in written[0] if written[0][name] != written[1].get(name)] == []
    assert cached[0] == cached[1], "a photo was looked at again"


def everything_in(run_folder: Path) -> dict[str, object]:
    """What a run wrote, the parts of the model one by one."""
    found: dict[str, object] = {file.name: file.read_bytes() for file in run_folder.iterdir()}
    found["held_out.jsonl"] = nfc((run_folder / "held_out.jsonl").read_text("utf-8"))
    del found["best.ckpt"]
    parts = container.read(run_folder / "best.ckpt")
    made = json.loads(parts["manifest.json"])["created"]
    return {
        **found,
        **parts,
        "MODEL_CARD.md": (run_folder / "MODEL_CARD.md").read_bytes().replace(made.encode(), b""),
        "manifest.json": parts["manifest.json"].replace(made.encode(), b""),
    }


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


def test_a_link_out_of_the_photos_is_refused_and_named(lens: Run, museum: Path, tmp_path: Path) -> None:
    data = shutil.copytree(museum, tmp_path / "data")
    link = data / "A" / "ㄱ" / "visitor.jpg"
    link.symlink_to(museum / "A" / "ㄱ" / "00.jpg")
    done = lens("validate-data", "--data-root", data)
    assert done.returncode == 3
    assert done.stderr.startswith(f"ai-lens: E100: {link} is a link out of {data}: it leads to {museum}")
    assert len(done.stderr.splitlines()) == 1
