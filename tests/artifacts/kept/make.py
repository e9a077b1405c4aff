"""Make the models and galleries of this version that every later one must open, and ask them photos.

    python tests/artifacts/kept/make.py

Run it when a version is about to be published that changes what is written: a new number of a ``format``, a
new way an exporter lays out its files. The new set gets a folder of its own, named by the version. A set that
is there is never made again, and neither is the backbone beside it changed: what museums have stored is not
made again either, and a test that fails on it is a promise about to be broken.

Nothing in a set tells of the machine it was made on.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
import numpy as np
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).parent / "backbone"))

from lens_core import __version__
from lens_core.artifacts import manifest
from lens_core.artifacts.atomic import write_json
from lens_core.photos.layout import scan
from lens_core.runtime.indexes import write_file
from lens_core.runtime.lens import Lens
from lens_core.settings import resolve
from lens_core.training.export import export
from lens_core.training.train import train

HERE = Path(__file__).parent
EXPORTERS = ("onnx", "ort-mobile", "openvino", "torchscript", "coreml")
INDEXES = ("exact", "faiss")
PLACE = "가야관"
ITEMS = {"금관": ("ellipse", "gold"), "청자": ("rectangle", "teal"), "토기": ("ellipse", "sienna")}
REASONS = {
    "classifier": (*ITEMS["청자"], 1000),
    "nearest_neighbour": ("ellipse", "gray", 1001),
    "not_sure": ("ellipse", "darkorange", 1001),
}
PHOTOS = 10
SIDE = 64
SETTINGS = {
    "backbone": "kept",
    "img_size": 32,
    "embedding_dim": 16,
    "loss": "ce",
    "epochs": 20,
    "finetune": "none",
}


def draw(shape: str, colour: str, seed: int) -> Image.Image:
    """A photo of an exhibit; another seed is another photo of it."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (SIDE, SIDE), tuple(random.integers(110, 150, 3).tolist()))
    x, y, r = random.uniform((28, 28, 15), (36, 36, 20))
    getattr(ImageDraw.Draw(image), shape)((x - r, y - r, x + r, y + r), fill=colour)
    return image


def draw_museum(folder: Path) -> Path:
    for number, (item, (shape, colour)) in enumerate(ITEMS.items()):
        (folder / PLACE / item).mkdir(parents=True)
        for photo in range(PHOTOS):
            draw(shape, colour, 100 * number + photo).save(folder / PLACE / item / f"{photo:02}.png")
    return folder


def make(folder: Path) -> None:
    """Train, export in every format, index, ask: all into ``folder``, which must not be there."""
    folder.mkdir()
    checkpoint = folder / "best.ckpt"
    with TemporaryDirectory() as work:
        settings = resolve(flags=SETTINGS, environ={}).settings
        run = train(settings, scan(draw_museum(Path(work) / "data")), Path(work) / "run")
        shutil.copy(run.checkpoint, checkpoint)
    about = Lens(checkpoint).manifest
    manifest.replace(checkpoint, attrs.evolve(about, provenance={"photos": about.provenance["photos"]}))
    for name in EXPORTERS:
        export(checkpoint, name)
    for guide in folder.glob("*.md"):
        guide.unlink()
    lens = Lens(checkpoint, quality=[])
    for name in INDEXES:
        write_file(folder / f"{name}.index", lens.gallery, lens.manifest.embedding_id, name, {})
    ask(folder, lens)


def ask(folder: Path, lens: Lens) -> None:
    """Keep photos, and what the model answers: one for each way the rule can decide."""
    answers = {}
    for reason, look in REASONS.items():
        photo = folder / f"{reason}.png"
        draw(*look).save(photo, optimize=True)
        answers[photo.name] = lens.infer(PLACE, photo).to_dict()
        assert answers[photo.name]["reason"] == reason, answers[photo.name]
    write_json(folder / "expected.json", answers)


if __name__ == "__main__":
    make(HERE / __version__.rpartition(".")[0])
