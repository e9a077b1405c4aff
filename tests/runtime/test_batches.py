"""Folders of photos: one line each, in order, whatever is wrong with some of them."""

import json

import pytest

from ai_lens_helper import Lens
from lens_core.errors import UnknownPlaceError
from lens_core.runtime.batch import BATCH, infer_batch, to_line


@pytest.fixture(scope="module")
def lens(onnx_model):
    return Lens(onnx_model)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, draw):
    """More photos than are in flight at once; every seventh is broken, in a way of its own."""
    folder = tmp_path_factory.mktemp("captures")
    broken = [b"", b"text", b"\xff\xd8\xff\xe0"]
    for number in range(2 * BATCH + 9):
        path = folder / f"{number:03}.jpg"
        if number % 7 == 3:
            path.write_bytes(broken[number % 3])
        else:
            draw(("disc", "box", "tent")[number % 3], ("crimson", "gold", "teal")[number % 3], number).save(
                path
            )
    return folder


def test_lines_come_in_the_order_of_the_photos_each_with_its_image(lens, folder):
    photos = sorted(folder.iterdir())
    lines = list(infer_batch(lens, "A", photos))
    assert [line["image"] for line in lines] == [str(path) for path in photos]
    assert all(next(iter(line)) == "image" for line in lines)


def test_a_photo_that_cannot_be_read_is_a_line_that_says_why(lens, folder):
    photos = sorted(folder.iterdir())
    lines = list(infer_batch(lens, "A", photos))
    failed = [number for number, line in enumerate(lines) if "error" in line]
    assert failed == [number for number in range(len(photos)) if number % 7 == 3]
    for number in failed:
        assert lines[number]["place"] == "A"
        assert lines[number]["error"]["code"] == "E120"
        assert str(photos[number]) in lines[number]["error"]["message"]


def test_every_other_line_is_the_answer_of_that_photo(lens, folder):
    for line in infer_batch(lens, "A", sorted(folder.iterdir())):
        if "error" in line:
            continue
        alone = lens.infer("A", line["image"]).to_dict()
        assert {"image": line["image"], **alone}.keys() == line.keys()
        assert (line["decision"], line.get("selected_item")) == (
            alone["decision"],
            alone.get("selected_item"),
        )
        assert line["distance"] == pytest.approx(alone["distance"], abs=2e-4)


def test_a_folder_of_broken_photos_only_is_all_errors(lens, tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(b"")
    assert ["error" in line for line in infer_batch(lens, "A", sorted(tmp_path.iterdir()))] == [True] * 3


def test_an_unknown_place_is_refused_before_any_photo(lens, folder):
    with pytest.raises(UnknownPlaceError):
        next(infer_batch(lens, "Z", sorted(folder.iterdir())))


def test_topk_and_threshold_reach_every_answer(lens, folder):
    lines = list(infer_batch(lens, "A", sorted(folder.iterdir()), topk=1, reject_threshold=0.5))
    assert {len(line["predictions"]) for line in lines if "error" not in line} == {1}


def test_progress_ends_at_the_number_of_photos(lens, folder):
    seen = []
    photos = sorted(folder.iterdir())
    list(infer_batch(lens, "A", photos, progress=lambda done, total: seen.append((done, total))))
    assert seen == [(number, len(photos)) for number in range(1, len(photos) + 1)]


def test_a_line_is_one_line_of_readable_json(lens, folder):
    line = to_line(next(iter(infer_batch(lens, "B", sorted(folder.iterdir())))))
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert json.loads(line)["place"] == "B"
    assert "\\u" not in line
