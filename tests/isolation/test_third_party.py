"""Somebody else's plugin, on a machine that has the light core only: made, installed, checked and used."""

from __future__ import annotations

import json
import re

import pytest
from device import Device, build_wheels


@pytest.fixture(scope="module")
def device(constraints, tmp_path_factory):
    """The light core and the ONNX runtime, from wheels of this tree, and a new plugin as its page says."""
    folder = tmp_path_factory.mktemp("device")
    wheels = build_wheels(folder, ".", "plugins/exporters/onnx")
    device = Device(folder, constraints)
    device.pip("install", "--quiet", *wheels)
    assert device("ai-lens", "plugins", "new", "index", "my-index") == "ai-lens-my-index\n"
    device.pip("install", "--quiet", "--find-links", folder, "-e", "./ai-lens-my-index[test]")
    return device


def test_the_device_has_no_pytorch(device):
    assert (
        device("python", "-c", "from importlib.util import find_spec; print(find_spec('torch'))") == "None\n"
    )


def test_it_is_listed_and_explained(device):
    rows = json.loads(device("ai-lens", "plugins", "list", "--json"))
    (row,) = [row for row in rows if row["name"] == "my-index"]
    assert (row["distribution"], row["version"], row["allowed"]) == ("ai-lens-my-index", "0.1.0", True)
    assert "implements  make_index" in device("ai-lens", "plugins", "info", "my-index")


def test_it_keeps_its_contract(device):
    last = device("ai-lens", "plugins", "check", "my-index").splitlines()[-1]
    assert last.startswith("index 'my-index' (ai-lens-my-index 0.1.0): keeps its contract, ")


def test_its_own_tests_pass(device):
    assert re.search(r"\d+ passed", device("pytest", "ai-lens-my-index").splitlines()[-1])


def test_the_command_line_uses_it(device, onnx_model, museum, visitor):
    about = ["--model", onnx_model, "--place", "A"]
    device(
        "ai-lens", "build-index", *about, "--data-root", museum, "--index", "my-index", "--save", "A.index"
    )
    ask = ["ai-lens", "infer", *about, "--image", visitor("A", "ㄱ")]
    from_file, anew = device(*ask, "--index-file", "A.index"), device(*ask, "--index", "my-index")
    assert json.loads(anew)["place"] == "A"
    assert from_file == anew == device(*ask, "--index", "exact"), "distances come from the gallery itself"
