"""Several processes that torchrun starts train one model: that of a single process, but for rounding."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
import safetensors.numpy

from lens_core.artifacts import container
from lens_core.runtime.lens import Lens
from lens_core.training.checkpoint import WEIGHTS

PLAN = {"A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold")}, "B": {"ㄱ": ("tent", "teal")}}
AI_LENS = Path(sys.executable).with_name("ai-lens")
TORCHRUN = Path(sys.executable).with_name("torchrun")
TOLERANCE = 1e-4
"""Of a weight, in float32: the order in which numbers are added up differs."""

pytestmark = pytest.mark.skipif(not TORCHRUN.exists(), reason="torchrun is not installed beside this Python")


@pytest.fixture(scope="module")
def arguments(build_museum, random_weights, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shared")
    build_museum(folder / "data", PLAN, photos=5)
    config = {
        "backbone": "timm:test_resnet", "weights": str(random_weights), "img_size": 32, "epochs": 3,
        "batch_size": 5, "finetune": "all", "lr": 0.003, "embedding_dim": 8, "loss": "ce+triplet",
        "lang": "en", "hardware": {"precision": "float32", "workers": 1},
    }  # fmt: skip
    (folder / "settings.yaml").write_text(json.dumps(config), encoding="utf-8")
    return [
        "train",
        "--data-root",
        folder / "data",
        "--config",
        folder / "settings.yaml",
        "--min-images",
        "1",
    ]


def run(*command):
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, encoding="utf-8", timeout=300, check=False
    )


@pytest.fixture(scope="module")
def alone(arguments, tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    done = run(AI_LENS, *arguments, "--save-dir", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def shared(arguments, tmp_path_factory):
    """(folder, what was printed) of a training that two processes share."""
    folder = tmp_path_factory.mktemp("two")
    done = run(
        TORCHRUN, "--nproc-per-node", 2, "--no-python", AI_LENS, *arguments, "--save-dir", folder
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, done


@pytest.mark.parametrize("file", ["last.ckpt", "best.ckpt"])
def test_two_processes_make_the_model_of_one(alone, shared, file):
    folder, _ = shared
    one, two = (safetensors.numpy.load(container.read(path / file)[WEIGHTS]) for path in (alone, folder))
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_allclose(two[name], one[name], atol=TOLERANCE, err_msg=name)


def test_their_curves_are_the_same(alone, shared):
    passes = [json.loads((path / "learning.json").read_text())["passes"] for path in (alone, shared[0])]
    for one, two in zip(*passes, strict=True):
        assert two["loss"] == pytest.approx(one["loss"], rel=1e-4)
        assert two["top1"] == one["top1"]


def test_a_stop_that_one_of_them_hears_stops_all_and_leaves_a_model(arguments, tmp_path):
    command = [TORCHRUN, "--nproc-per-node", 2, "--no-python", AI_LENS, *arguments, "--save-dir", tmp_path]
    parent = subprocess.Popen([*map(str, command), "--epochs", "500"], stderr=subprocess.PIPE, text=True)
    for line in parent.stderr:
        if line.startswith("Pass 1"):
            break
    helper = next(child for child in psutil.Process(parent.pid).children() if child.environ()["RANK"] == "1")
    helper.terminate()
    told = parent.communicate(timeout=120)[1]
    assert "bug in ai-lens" not in told
    assert Lens(tmp_path / "last.ckpt").manifest.places == ("A", "B")
    assert not (tmp_path / "best.ckpt").exists()


def test_only_the_first_of_them_speaks_and_records(shared):
    folder, done = shared
    assert done.stdout.count("best.ckpt") == 1
    assert done.stderr.count("Pass 1 of 3") == 2  # of the network that is measured, and of the one used
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["state"] == "done"
