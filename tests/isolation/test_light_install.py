"""A light install answers: two wheels, one model, a few photos, no PyTorch, and to the byte what the machine
that trained answers."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import attrs
import pytest
from device import ROOT, Device, build_wheels

HERE = Path(sys.executable).with_name("ai-lens")
RUNTIMES = {"onnx": "best.onnx", "openvino": "best.xml"}
HEAVY = [
    *("accelerate", "coremltools", "faiss", "imagehash", "jinja2", "nncf", "onnx", "pytest"),
    *("pytorch_metric_learning", "scipy", "sklearn", "timm", "torch", "torchvision"),
]
STANDARD = 'Try: pip install "ai-lens-helper[standard]"'
SDK = """
import sys
from ai_lens_helper import Lens

lens = Lens(model_path=sys.argv[1], lang="en")
lens.warm_up()
print(lens.infer(place="A", image_path=sys.argv[2]).to_json())
"""


@attrs.frozen
class Light:
    """A machine with the light core and one runtime; in its folder lie a model, photos, and nothing else."""

    device: Device
    plugin: str
    model: str

    def as_trained(self, *command: object) -> str:
        """What the same command prints where the model was trained, with the same plugins."""
        done = subprocess.run(
            [*map(str, command)],
            cwd=self.device.folder,
            env={**os.environ, "AI_LENS_PLUGINS": self.plugin},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
        )
        return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """What is published of the core and of both runtimes, by distribution."""
    sources = (".", *(f"plugins/exporters/{name}" for name in RUNTIMES))
    built = build_wheels(tmp_path_factory.mktemp("wheels"), *sources)
    return {path.name.partition("-")[0].replace("_", "-"): path for path in built}


@pytest.fixture(scope="module", params=RUNTIMES)
def light(request, exported, visitor, wheels, constraints, tmp_path_factory):
    """``pip install ai-lens-helper ai-lens-<runtime>``, then copy a model and photos there."""
    model = exported / RUNTIMES[request.param]
    device = Device(tmp_path_factory.mktemp("light"), constraints)
    plugin = f"ai-lens-{request.param}"
    device.pip("install", "--quiet", wheels["ai-lens-helper"], wheels[plugin])
    for part in (model, model.with_suffix(".bin")):
        if part.exists():
            shutil.copy(part, device.folder)
    photos = device.folder / "captures"
    photos.mkdir()
    for place, item in (("A", "ㄱ"), ("B", "주전자"), ("C", "화로")):
        shutil.copy(visitor(place, item), photos)
    return Light(device, plugin, model.name)


def photos(light):
    return sorted((light.device.folder / "captures").iterdir())


# --- the wheel


def test_the_wheel_holds_what_is_read_and_nothing_that_only_developers_need(wheels):
    with zipfile.ZipFile(wheels["ai-lens-helper"]) as wheel:
        found = {name for name in wheel.namelist() if ".dist-info/" not in name}
    packages = ("lens_core", "ai_lens_helper")
    files = [path for package in packages for path in (ROOT / package).rglob("*") if path.is_file()]
    assert found == {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}


# --- what is there, and what is not


def test_nothing_of_training_comes_along(light):
    code = f"import importlib.util as u; print([name for name in {HEAVY} if u.find_spec(name)])"
    assert light.device("python", "-c", code) == "[]\n"


@pytest.mark.parametrize("command", [["--help"], ["--version"], ["plugins"], ["config"], ["infer", "--help"]])
def test_help_and_listings_work(light, command):
    done = light.device.run("ai-lens", *command)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_only_what_was_installed_is_listed(light):
    listed = json.loads(light.device("ai-lens", "plugins", "list", "--json"))
    assert {row["distribution"] for row in listed} == {"ai-lens-helper", light.plugin}


# --- the answer


def test_an_answer_is_the_same_to_the_byte(light):
    for photo in photos(light):
        asked = (
            "infer",
            "--model",
            light.model,
            "--place",
            "A",
            "--image",
            photo.relative_to(light.device.folder),
        )
        here = light.device.run("ai-lens", *asked)
        assert (here.returncode, here.stderr) == (0, "")
        assert here.stdout == light.as_trained(HERE, *asked)


def test_a_batch_is_the_same_to_the_byte(light):
    asked = ("infer-batch", "--model", light.model, "--place", "A", "--input-dir", "captures", "--output")
    light.device("ai-lens", *asked, "light.jsonl")
    light.as_trained(HERE, *asked, "trained.jsonl")
    here, there = (light.device.folder / name for name in ("light.jsonl", "trained.jsonl"))
    assert here.read_bytes() == there.read_bytes()
    assert len(here.read_bytes().splitlines()) == len(photos(light))


def test_a_program_gets_the_same_answer(light):
    asked = ("-c", SDK, light.model, photos(light)[0])
    here = light.device("python", *asked)
    assert here == light.as_trained(sys.executable, *asked)
    assert json.loads(here)["place"] == "A"


def test_a_new_place_is_built_and_asked(light, museum):
    about = ("--model", light.model, "--place", "B")
    light.device("ai-lens", "build-index", *about, "--data-root", museum, "--save", "B.index")
    asked = ("infer", *about, "--index-file", "B.index", "--image", photos(light)[1])
    assert light.device("ai-lens", *asked) == light.as_trained(HERE, *asked)


# --- what needs more


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["train", "--data-root", "data"], f"Training needs 'torch'. {STANDARD}"),
        (["demo"], f"The demo needs 'torch'. {STANDARD}"),
        (["evaluate", "--data-root", "data"], f"Evaluating needs 'sklearn'. {STANDARD}"),
        (["tune", "--model", "best.ckpt"], f"Tuning needs 'scipy'. {STANDARD}"),
        (["checklist", "run"], f"The checklist needs 'sklearn'. {STANDARD}"),
        (
            ["infer", "--model", "best.ckpt", "--place", "A", "--image", "x.jpg"],
            f"Answering from a checkpoint needs 'torch'. {STANDARD}",
        ),
        (
            ["export", "--ckpt", "best.ckpt", "--to", "torchscript"],
            "exporter 'torchscript' is not installed. Try: pip install ai-lens-torchscript",
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_needs_more_says_what_to_install(light, run, command, said):
    shutil.copy(run.checkpoint, light.device.folder / "best.ckpt")
    done = light.device.run("ai-lens", *command)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == f"ai-lens: E410: {said}\n"


def test_exporting_with_the_plugin_that_is_there_says_what_to_install(light, run):
    shutil.copy(run.checkpoint, light.device.folder / "best.ckpt")
    name = light.plugin.removeprefix("ai-lens-")
    done = light.device.run("ai-lens", "export", "--ckpt", "best.ckpt", "--to", name)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == f"ai-lens: E410: Exporting needs 'torch'. {STANDARD}\n"


def test_another_format_says_which_runtime_to_install(light):
    for suffix, plugin in (
        ("onnx", "ai-lens-onnx"),
        ("xml", "ai-lens-openvino"),
        ("pt", "ai-lens-torchscript"),
    ):
        if plugin != light.plugin:
            (light.device.folder / f"other.{suffix}").touch()
            asked = ("--model", f"other.{suffix}", "--place", "A", "--image", photos(light)[0])
            done = light.device.run("ai-lens", "infer", *asked)
            said = f"ai-lens: E410: runtime '{suffix}' is not installed. Try: pip install {plugin}\n"
            assert (done.returncode, done.stdout, done.stderr) == (5, "", said)
