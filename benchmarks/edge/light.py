"""What a small device pays: megabytes installed, one cold answer, its memory; each in its own environment.

- ai-lens light with ONNX Runtime or OpenVINO: wheels of this tree, a file of ``ai-lens export``;
- the shortest script without ai-lens: Pillow, ONNX Runtime, a softmax within the place, on the same file;
- OpenVINO Model API on the same network without its embedding: of several outputs it reads the first. It has
  no places: it chooses among all exhibits;
- ``ai-lens infer`` with the checkpoint, on PyTorch, where the model was trained.

Script and Model API cannot say that they do not know a photo. All must name the same item. Needs a package
index.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

from attrs import frozen
from packaging.requirements import Requirement

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "speed"))
from first_light import AI_LENS, RUNS, run
from shared import MUSEUMS, ROOT, WEIGHTS, need_shared, report

SHORTEST = "the shortest script"
ITEMS, PHOTOS = 4, 12
"""Of each place are trained, so many photos of each: the network is the same however many there are."""
SCRIPT = """
import json, sys
import numpy as np, onnxruntime
from PIL import Image, ImageOps
model, labels, place, photo = sys.argv[1:]
session = onnxruntime.InferenceSession(model)
side = session.get_inputs()[0].shape[1]
image = ImageOps.exif_transpose(Image.open(photo)).convert("RGB").resize((side, side))
_, cosines = session.run(None, {"images": np.asarray(image)[None]})
known = json.load(open(labels))
mine = [number for number, (where, _) in enumerate(known["classes"]) if where == place]
odds = np.exp(known["scale"] * cosines[0, mine])
best = int(odds.argmax())
item, score = known["classes"][mine[best]][1], float(odds[best] / odds.sum())
print(json.dumps({"selected_item": item, "confidence": round(score, 4)}, ensure_ascii=False))
"""
MODEL_API = """
import json, sys
import cv2
from model_api.models import ClassificationModel
model, labels, _, photo = sys.argv[1:]
items = [item for _, item in json.load(open(labels))["classes"]]
classifier = ClassificationModel.create_model(model, "Classification", configuration={"labels": items})
best = classifier(cv2.cvtColor(cv2.imread(photo), cv2.COLOR_BGR2RGB)).top_labels[0]
print(json.dumps({"selected_item": best.name, "confidence": float(best.confidence)}, ensure_ascii=False))
"""


@frozen
class Model:
    """What all ways are asked with."""

    checkpoint: Path
    onnx: Path
    xml: Path
    logits: Path
    """The network of ``xml`` without its embedding."""
    labels: Path
    """The classes and the scale of their softmax, for those who do not read the manifest."""
    place: str
    photo: Path
    """Of an exhibit, not learned from."""


@frozen
class Way:
    """One way to get an answer, installed and ready to be asked."""

    megabytes: float
    command: tuple[str, ...]

    def answer(self) -> dict[str, Any]:
        done = subprocess.run(self.command, stdout=subprocess.PIPE, check=True)
        answer = json.loads(done.stdout)
        return {name: answer[name] for name in ("selected_item", "confidence")}


def main() -> None:
    need_shared()
    os.environ["CI"] = "1"  # OpenVINO's libraries report home when they are imported, unless they see this
    with tempfile.TemporaryDirectory() as folder:
        asked = ways(Path(folder), train(Path(folder)))
        data = {name: {"megabytes": way.megabytes, **way.answer()} for name, way in asked.items()}
        for name, measured in in_turns(asked, Path(folder) / "cache").items():
            data[name] |= measured
    assert len({found["selected_item"] for found in data.values()}) == 1, data
    head = ["way", "installed", "x script", "cold answer", "x script", "peak memory", "x script"]
    title = f"One answer on a small device, MobileNetV2 at 448 pixels, {os.cpu_count()} cores"
    rows = [[name, *cells(found, data[SHORTEST])] for name, found in data.items()]
    report(__file__, f"{title} (medians of {RUNS})", head, rows, data, name="light")


def in_turns(asked: dict[str, Way], cache: Path) -> dict[str, dict[str, float]]:
    """Median seconds and largest peak memory of each way; whatever else the machine does meets them all."""
    rounds = [{name: run(*way.command, cache=cache) for name, way in asked.items()} for _ in range(RUNS + 1)]
    found = {}
    for name in asked:
        seconds, memory = zip(*(one[name] for one in rounds[1:]), strict=True)  # the first warms up
        found[name] = {"seconds": statistics.median(seconds), "memory": max(memory)}
    return found


def cells(found: dict[str, Any], script: dict[str, Any]) -> list[str]:
    """Each figure, and how many times the script's it is."""
    units = {"megabytes": "{:.0f} MB", "milliseconds": "{:.0f} ms", "memory": "{:.0f} MB"}
    numbers = {**found, "milliseconds": 1000 * found["seconds"]}
    beside = {**script, "milliseconds": 1000 * script["seconds"]}
    pairs = (
        (unit.format(numbers[what]), f"{numbers[what] / beside[what]:.2f}") for what, unit in units.items()
    )
    return [cell for pair in pairs for cell in pair]


def ways(folder: Path, model: Model) -> dict[str, Way]:
    """Each way, installed in an environment of its own."""
    sources = (ROOT, ROOT / "plugins" / "exporters" / "onnx", ROOT / "plugins" / "exporters" / "openvino")
    pip("wheel", "--no-deps", "--wheel-dir", folder / "wheels", *sources)
    core, onnx, openvino = sorted((folder / "wheels").glob("*.whl"))
    pythons = {
        "onnx": environment(folder / "onnx", core, onnx),
        "openvino": environment(folder / "openvino", core, openvino),
        "script": environment(folder / "script", "onnxruntime", "pillow"),
        "model api": environment(folder / "model-api", "openvino-model-api"),
    }
    (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
    (folder / "model_api.py").write_text(MODEL_API, encoding="utf-8")
    about = model.labels, model.place, model.photo

    def infer(file: Path) -> tuple[str, ...]:
        return words("infer", "--model", file, "--place", model.place, "--image", model.photo)

    def with_ai_lens(python: Path, file: Path) -> Way:
        # -I: nothing of this checkout, wherever PYTHONPATH leads.
        return Way(installed(python), words(python, "-I", python.with_name("ai-lens"), *infer(file)))

    def with_script(python: Path, script: str, file: Path) -> Way:
        return Way(installed(python), words(python, "-I", folder / script, file, *about))

    return {
        "ai-lens light, ONNX Runtime": with_ai_lens(pythons["onnx"], model.onnx),
        "ai-lens light, OpenVINO": with_ai_lens(pythons["openvino"], model.xml),
        SHORTEST: with_script(pythons["script"], "script.py", model.onnx),
        "OpenVINO Model API": with_script(pythons["model api"], "model_api.py", model.logits),
        "ai-lens [standard], PyTorch, .ckpt": Way(standard(), (AI_LENS, *infer(model.checkpoint))),
    }


def words(*command: object) -> tuple[str, ...]:
    return tuple(map(str, command))


# --- what is asked


def train(folder: Path) -> Model:
    """A model of a few exhibits, in every format that is asked."""
    photo = choose_photos(folder / "data")
    place, run_folder, cache = photo.parent.parent.name, folder / "run", folder / "cache"
    settings = ("--backbone", "mobilenetv2", "--weights", WEIGHTS, "--finetune", "none")
    run(
        *words(AI_LENS, "train", "--data-root", folder / "data", "--save-dir", run_folder, *settings),
        cache=cache,
    )
    checkpoint = run_folder / "best.ckpt"
    run(*words(AI_LENS, "export", "--ckpt", checkpoint, "--to", "onnx", "--to", "openvino"), cache=cache)
    logits = without_embedding(checkpoint.with_suffix(".xml"), folder / "logits.xml")
    labels = describe(checkpoint.with_suffix(".onnx"), folder / "labels.json")
    return Model(
        checkpoint,
        checkpoint.with_suffix(".onnx"),
        checkpoint.with_suffix(".xml"),
        logits,
        labels,
        place,
        photo,
    )


def choose_photos(data: Path) -> Path:
    """Copy some photos of some exhibits; the answer is one more of the first exhibit."""
    for place in sorted((MUSEUMS / "data").iterdir()):
        for item in sorted(place.iterdir())[:ITEMS]:
            (data / place.name / item.name).mkdir(parents=True)
            for photo in sorted(item.iterdir())[:PHOTOS]:
                shutil.copy(photo, data / place.name / item.name)
    first = min(data.glob("*/*"))
    return sorted((MUSEUMS / "data" / first.relative_to(data)).iterdir())[PHOTOS]


def without_embedding(xml: Path, path: Path) -> Path:
    import openvino

    model = openvino.Core().read_model(xml)
    alone = openvino.Model([model.output("logits")], model.get_parameters())
    openvino.save_model(alone, path, compress_to_fp16=False)
    return path


def describe(model: Path, path: Path) -> Path:
    from lens_core.runtime.lens import Lens

    about = Lens(model).manifest
    path.write_text(
        json.dumps({"classes": about.classes, "scale": about.calibration.scale}), encoding="utf-8"
    )
    return path


# --- what is installed


def pip(*arguments: object) -> None:
    command = words(sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments, "--quiet")
    subprocess.run(command, check=True)


def environment(folder: Path, *what: object) -> Path:
    """The Python of a new environment with these requirements, in the versions of requirements.lock."""
    pinned = re.findall(r"^[A-Za-z0-9._-]+==[^\\\s;]+", (ROOT / "requirements.lock").read_text("utf-8"), re.M)
    constraints = folder.with_suffix(".txt")
    constraints.write_text("\n".join(pinned), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    pip("--python", python, "install", "--constraint", constraints, *what)
    return python


def installed(python: Path) -> float:
    """MB of all that is installed in an environment, compiled modules included."""
    folders = python.parents[1].glob("lib/python*/site-packages")
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files) / 1e6


def standard() -> float:
    """MB of what ``ai-lens-helper[standard]`` requires, without the libraries for NVIDIA's cards."""
    needed: dict[str, metadata.Distribution] = {}
    collect("ai-lens-helper", {"standard"}, needed)
    kept = {
        name: found for name, found in needed.items() if not name.startswith(("nvidia", "cuda", "triton"))
    }
    return sum(file.size or 0 for found in kept.values() for file in found.files or ()) / 1e6


def collect(name: str, extras: set[str], found: dict[str, metadata.Distribution]) -> None:
    """Add a distribution and all that it requires."""
    found[name] = distribution = metadata.distribution(name)
    for line in distribution.requires or ():
        needed = Requirement(line)
        wanted = needed.marker is None or any(
            needed.marker.evaluate({"extra": extra}) for extra in {"", *extras}
        )
        if wanted and (needed.name not in found or needed.extras):
            collect(needed.name, needed.extras, found)


if __name__ == "__main__":
    main()
