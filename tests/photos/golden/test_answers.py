"""A golden file gets one answer, whether a program asks, or the command line, or a batch."""

import json

import pytest
from golden_table import GOLDEN, Shows

from ai_lens_helper import Lens
from lens_core.errors import DataError

pytest.importorskip("pillow_heif", reason="HEIC photos are made with pillow-heif")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("captures")
    for name, (make, _) in GOLDEN.items():
        (folder / name).write_bytes(make())
    return folder


def answer(lens, source):
    """What a program is told, with its exact numbers; an error by its code."""
    try:
        return lens.infer("A", source).to_dict()
    except DataError as error:
        return error.code


def test_a_batch_a_path_and_bytes_get_the_same_answer(folder, onnx_model, ai_lens, tmp_path):
    lines = tmp_path / "answers.jsonl"
    done = ai_lens(
        "infer-batch", "--model", onnx_model, "--place", "A", "--input-dir", folder, "--output", lines
    )
    assert done.status == 6, "some golden files are no photos"
    lens, answered = Lens(onnx_model), 0
    for line in map(json.loads, lines.read_text("utf-8").splitlines()):
        path = folder / line.pop("image").rpartition("/")[2]
        expected = answer(lens, path)
        assert answer(lens, path.read_bytes()) == expected
        if isinstance(expected, str):
            assert line["error"]["code"] == expected
        else:
            assert line == expected
            answered += 1
    assert answered == sum(isinstance(expected, Shows) for _, expected in GOLDEN.values())


@pytest.mark.parametrize("name", [name for name, (_, shows) in GOLDEN.items() if getattr(shows, "notes", ())])
def test_infer_says_how_a_photo_was_read_where_that_may_surprise(folder, onnx_model, ai_lens, name):
    done = ai_lens("infer", "--model", onnx_model, "--place", "A", "--image", folder / name)
    assert json.loads(done.out)["notes"] == list(GOLDEN[name][1].notes)
