"""The product as its users run it: the real command line, in processes of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

SHARED = Path(__file__).parents[3] / "shared"
WEIGHTS = SHARED / "weights" / "mobilenetv2_100.onnxzoo-mobilenetv2-7.nohead.safetensors"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The real photos and weights that lie beside the checkout."""
    if not WEIGHTS.exists():
        pytest.skip(f"needs the photos and weights in {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def weights(shared: Path) -> Path:
    return WEIGHTS


@pytest.fixture(scope="session")
def lens(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run ``ai-lens`` as a user would; the answer has returncode, stdout and stderr."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AI_LENS_")}
    environment["AI_LENS_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))
    command = Path(sys.executable).with_name("ai-lens")

    def run(*arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(command), *map(str, arguments)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=environment | more,
            timeout=600,
            check=False,
        )

    return run


SHAPES = {"ㄱ": "ellipse", "ㄴ": "rectangle", "ㄷ": "polygon"}
COLOURS = {"A": (190, 60, 50), "B": (50, 90, 190)}


def draw(place: str, item: str, seed: int) -> Image.Image:
    """A photo of a painted shape: where it stands, how big and how lit change with the seed."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (320, 240), tuple(random.integers(90, 150, 3)))
    x, y, r = random.integers(110, 210), random.integers(90, 150), random.integers(45, 75)
    colour = tuple(np.clip(np.array(COLOURS[place]) + random.integers(-25, 25), 0, 255))
    pen = ImageDraw.Draw(image)
    if SHAPES[item] == "polygon":
        pen.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], fill=colour)
    else:
        getattr(pen, SHAPES[item])((x - r, y - r // 2, x + r, y + r // 2), fill=colour)
    noise = random.normal(0, 6, (240, 320, 3))
    return Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))


def draw_museum(root: Path, photos: int = 10) -> Path:
    """``root/{A,B}/{ㄱ,ㄴ,ㄷ}/NN.jpg``."""
    for place in COLOURS:
        for number, item in enumerate(SHAPES):
            folder = root / place / item
            folder.mkdir(parents=True)
            for photo in range(photos):
                draw(place, item, 1000 * number + photo).save(folder / f"{photo:02d}.jpg")
    return root


@pytest.fixture(scope="session")
def museum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_museum(tmp_path_factory.mktemp("museum") / "data")


@pytest.fixture(scope="session")
def run_folder(shared: Path, lens: Run, museum: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run: best.ckpt and best.onnx, trained by the command line on the drawn museum."""
    folder = tmp_path_factory.mktemp("runs") / "first"
    flags = ("--backbone", "mobilenetv2", "--weights", WEIGHTS, "--img-size", "96", "--export-onnx")
    done = lens("train", "--data-root", museum, "--save-dir", folder, *flags)
    assert done.returncode == 0, done.stderr
    return folder
