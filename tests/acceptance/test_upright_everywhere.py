"""Real phone photos that carry an EXIF orientation mean the same as their upright copies, in every path."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from PIL import Image, ImageOps

from ai_lens_helper import Lens
from lens_core.artifacts import gallery_file
from lens_core.settings import Settings
from lens_core.training.features import compute
from lens_core.training.network import LensNet, make_backbone

Run = Callable[..., CompletedProcess[str]]
CLOSE = 0.02  # turning before or after the shrinking rounds a few pixels differently


@pytest.fixture(scope="module")
def turned(shared: Path) -> list[Path]:
    """Photos stored lying on their side, with an EXIF tag that says so."""
    photos = sorted((shared / "photos" / "exif").glob("saharov32__orient8__*.JPG"))
    assert photos
    return photos


@pytest.fixture(scope="module")
def upright(turned: list[Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same photos, stored upright and without EXIF."""
    folder = tmp_path_factory.mktemp("upright")
    copies = []
    for photo in turned:
        copies.append(folder / f"{photo.stem}.png")
        ImageOps.exif_transpose(Image.open(photo)).save(copies[-1])
    return copies


def scores(answer: dict) -> list[float]:
    return [prediction["score"] for prediction in sorted(answer["predictions"], key=lambda p: p["item"])]


def test_infer(lens: Run, run_folder: Path, turned: list[Path], upright: list[Path]) -> None:
    for pair in zip(turned, upright, strict=True):
        answers = []
        for photo in pair:
            done = lens("infer", "--model", run_folder / "best.onnx", "--place", "A", "--image", photo)
            answers.append(scores(json.loads(done.stdout)))
        np.testing.assert_allclose(*answers, atol=CLOSE)


def test_infer_batch(
    lens: Run, run_folder: Path, turned: list[Path], upright: list[Path], tmp_path: Path
) -> None:
    lying = tmp_path / "lying"
    lying.mkdir()
    for photo in turned:
        shutil.copy(photo, lying)
    lines = []
    for folder in (lying, upright[0].parent):
        done = lens("infer-batch", "--model", run_folder / "best.onnx", "--place", "A", "--input-dir", folder)
        assert done.returncode == 0, done.stderr
        lines.append([scores(json.loads(line)) for line in done.stdout.splitlines()])
    np.testing.assert_allclose(*lines, atol=CLOSE)


@pytest.mark.parametrize("model", ["best.ckpt", "best.onnx"])
def test_sdk_with_a_path_bytes_and_an_image(
    run_folder: Path, turned: list[Path], upright: list[Path], model: str
) -> None:
    lens = Lens(model_path=run_folder / model)
    for lying, standing in zip(turned, upright, strict=True):
        expected = scores(lens.infer("A", standing).to_dict())
        for source in (lying, lying.read_bytes(), Image.open(lying)):
            np.testing.assert_allclose(scores(lens.infer("A", source).to_dict()), expected, atol=CLOSE)


def test_build_index(
    lens: Run, run_folder: Path, turned: list[Path], upright: list[Path], tmp_path: Path
) -> None:
    galleries = []
    for name, photos in (("lying", turned), ("standing", upright)):
        item = tmp_path / name / "C" / "새 전시품"
        item.mkdir(parents=True)
        for photo in photos:
            shutil.copy(photo, item)
        flags = ("--data-root", tmp_path / name, "--place", "C", "--save", tmp_path / f"{name}.index")
        done = lens("build-index", "--model", run_folder / "best.onnx", *flags)
        assert done.returncode == 0, done.stderr
        galleries.append(gallery_file.read_file(tmp_path / f"{name}.index").gallery.embeddings)
    cosines = (galleries[0] * galleries[1]).sum(axis=1)
    assert cosines.min() > 0.99


def test_training_features(
    turned: list[Path], upright: list[Path], weights: Path, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("AI_LENS_CACHE_DIR", str(tmp_path))
    settings = Settings(backbone="mobilenetv2", weights=str(weights), img_size=96)
    net = LensNet(make_backbone(settings), 8, 2).eval()
    lying, standing = (
        compute(photos, net, augment=settings.augment, views=0).values[:, 0] for photos in (turned, upright)
    )
    cosines = (
        (lying * standing).sum(axis=1) / np.linalg.norm(lying, axis=1) / np.linalg.norm(standing, axis=1)
    )
    assert cosines.min() > 0.99
