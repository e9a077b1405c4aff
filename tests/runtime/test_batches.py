"""Folders of photos: one line each, in order, whatever is wrong with some of them."""

import json

import numpy as np
import pytest

from ai_lens_helper import Lens
from lens_core.artifacts.cache import PhotoCache
from lens_core.errors import CannotWriteError, UnknownPlaceError
from lens_core.runtime.batch import Batch, to_line
from lens_core.runtime.decoded import DecodedPhotos


@pytest.fixture(scope="module", params=[1, 3], ids=["one worker", "three workers"])
def lens(onnx_model, request):
    return Lens(onnx_model, at_once=request.param)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, draw):
    """More photos than are in flight at once; every seventh is broken, in a way of its own."""
    folder = tmp_path_factory.mktemp("captures")
    broken = [b"", b"text", b"\xff\xd8\xff\xe0"]
    for number in range(41):
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
    lines = list(Batch(lens, "A").answers(photos))
    assert [line["image"] for line in lines] == [str(path) for path in photos]
    assert all(next(iter(line)) == "image" for line in lines)


def test_a_photo_that_cannot_be_read_is_a_line_that_says_why(lens, folder):
    photos = sorted(folder.iterdir())
    lines = list(Batch(lens, "A").answers(photos))
    failed = [number for number, line in enumerate(lines) if "error" in line]
    assert failed == [number for number in range(len(photos)) if number % 7 == 3]
    for number in failed:
        assert lines[number]["place"] == "A"
        assert lines[number]["error"]["code"] == "E120"
        assert str(photos[number]) in lines[number]["error"]["message"]


def test_every_other_line_is_the_answer_of_that_photo(lens, folder):
    for line in Batch(lens, "A").answers(sorted(folder.iterdir())):
        if "error" in line:
            continue
        assert line == {"image": line["image"], **lens.infer("A", line["image"]).to_dict()}


def test_a_folder_of_broken_photos_only_is_all_errors(lens, tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(b"")
    assert ["error" in line for line in Batch(lens, "A").answers(sorted(tmp_path.iterdir()))] == [True] * 3


def test_an_unknown_place_is_refused_before_any_photo(lens, folder):
    with pytest.raises(UnknownPlaceError):
        next(Batch(lens, "Z").answers(sorted(folder.iterdir())))


def test_topk_and_threshold_reach_every_answer(lens, folder):
    lines = list(Batch(lens, "A", reject_threshold=0.5, topk=1).answers(sorted(folder.iterdir())))
    assert {len(line["predictions"]) for line in lines if "error" not in line} == {1}


def test_progress_ends_at_the_number_of_photos(lens, folder):
    seen = []
    photos = sorted(folder.iterdir())
    list(Batch(lens, "A").answers(photos, lambda done, total: seen.append((done, total))))
    assert seen == [(number, len(photos)) for number in range(1, len(photos) + 1)]


def test_a_line_is_one_line_of_readable_json(lens, folder):
    line = to_line(next(iter(Batch(lens, "B").answers(sorted(folder.iterdir())))))
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert json.loads(line)["place"] == "B"
    assert "\\u" not in line


def test_photos_without_their_folder_keep_personal_paths_out_of_errors_too(lens, folder):
    lines = list(Batch(lens, "A", strip_pii=True).answers(sorted(folder.iterdir())))
    assert [line["image"] for line in lines] == [path.name for path in sorted(folder.iterdir())]
    assert str(folder) not in json.dumps(lines)


def test_kept_decoded_photos_get_the_same_answers(lens, folder):
    photos = sorted(folder.iterdir())[:9]
    batch = Batch(lens, "A", read=DecodedPhotos())
    plain = list(Batch(lens, "A").answers(photos))
    assert list(batch.answers(photos)) == plain
    assert list(batch.answers(photos)) == plain


def test_a_kept_photo_is_known_by_its_content(tmp_path, draw):
    for name in ("a.png", "b.png"):
        draw("disc", "crimson", 1).save(tmp_path / name)
    read = DecodedPhotos(PhotoCache(tmp_path / "cache"))
    first = read(tmp_path / "a.png")
    assert len(list((tmp_path / "cache").iterdir())) == 1
    draw("box", "gold", 1).save(tmp_path / "a.png")
    assert not np.array_equal(read(tmp_path / "a.png").pixels, first.pixels)
    again = read(tmp_path / "b.png")
    np.testing.assert_array_equal(again.pixels, first.pixels)
    assert (again.width, again.height, again.notes) == (first.width, first.height, first.notes)
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_what_is_kept_and_damaged_is_decoded_anew(tmp_path, draw):
    draw("disc", "crimson", 1).save(tmp_path / "a.png")
    read = DecodedPhotos(PhotoCache(tmp_path / "cache"))
    first = read(tmp_path / "a.png")
    (kept,) = (tmp_path / "cache").iterdir()
    whole = kept.read_bytes()
    flipped = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), 5000)]
    for damaged in (b"", whole[:100], *flipped):
        kept.write_bytes(damaged)
        np.testing.assert_array_equal(read(tmp_path / "a.png").pixels, first.pixels)
        assert kept.read_bytes() == whole


def test_where_nothing_more_can_be_kept_photos_are_answered_all_the_same(lens, folder, monkeypatch):
    def full(self, photo_hash, arrays):
        raise CannotWriteError("No space left on device.")

    monkeypatch.setattr(PhotoCache, "write", full)
    photos = sorted(folder.iterdir())
    assert list(Batch(lens, "A", read=DecodedPhotos()).answers(photos)) == list(
        Batch(lens, "A").answers(photos)
    )
