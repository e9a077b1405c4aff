"""``ai-lens infer-batch``: what it prints, where, and how it ends."""

import contextlib
import json
import shutil
from itertools import islice

import pytest

from ai_lens_helper import Lens
from lens_core.runtime.batch import Batch
from lens_core.runtime.ledger import ledger_of


@pytest.fixture
def captures(draw, tmp_path):
    folder = tmp_path / "captures"
    folder.mkdir()
    for number in range(5):
        draw("disc", "crimson", number).save(folder / f"{number}.jpg")
    return folder


def batch(ai_lens, model, folder, *more):
    return ai_lens("infer-batch", "--model", model, "--place", "A", "--input-dir", folder, *more)


def test_infer_batch_writes_one_line_per_photo(ai_lens, onnx_model, captures, tmp_path):
    target = tmp_path / "results.jsonl"
    done = batch(ai_lens, onnx_model, captures, "--output", target)
    assert (done.status, done.out) == (0, "")
    lines = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [line["image"] for line in lines] == [str(captures / f"{number}.jpg") for number in range(5)]
    printed = batch(ai_lens, onnx_model, captures)
    assert printed.out == target.read_text(encoding="utf-8")


def test_a_batch_with_broken_photos_finishes_and_says_so(ai_lens, onnx_model, captures):
    (captures / "2.jpg").write_bytes(b"")
    done = batch(ai_lens, onnx_model, captures)
    assert done.status == 6
    assert ["error" in json.loads(line) for line in done.out.splitlines()] == [
        False,
        False,
        True,
        False,
        False,
    ]
    assert "1 of 5 photos could not be read" in done.err


def test_a_batch_that_cannot_start_leaves_the_old_results(ai_lens, onnx_model, captures, tmp_path):
    target = tmp_path / "results.jsonl"
    target.write_text("old")
    done = ai_lens(
        "infer-batch", "--model", onnx_model, "--place", "Z", "--input-dir", captures, "--output", target
    )
    assert done.status == 2
    assert target.read_text() == "old"


@pytest.mark.parametrize("which", ["none", "empty"])
def test_a_batch_of_nothing_is_e100(ai_lens, onnx_model, tmp_path, which):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.txt").write_text("\n")
    batch(ai_lens, onnx_model, tmp_path / which).failed(3, "E100")
    listed = tmp_path / f"{which}.txt"
    asked = ("infer-batch", "--model", onnx_model, "--place", "A", "--input-list", listed)
    assert str(listed) in ai_lens(*asked).failed(3, "E100")


def test_a_batch_takes_a_list_of_photos(ai_lens, onnx_model, captures, tmp_path):
    photos = [captures / "3.jpg", captures / "1.jpg", captures / "gone.jpg"]
    listed = tmp_path / "목록.txt"
    listed.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(map(str, [*photos, photos[0]])).encode())
    done = ai_lens("infer-batch", "--model", onnx_model, "--place", "A", "--input-list", listed)
    assert done.status == 6
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["image"] for line in lines] == list(map(str, photos))
    assert lines[2]["error"]["code"] == "E120"


def test_lists_of_other_encodings(ai_lens, onnx_model, captures, tmp_path):
    """PowerShell's > writes UTF-16; a Korean Windows saves CP949."""
    listed = tmp_path / "list.txt"
    asked = ("infer-batch", "--model", onnx_model, "--place", "A", "--input-list", listed)
    listed.write_bytes(f"{captures / '1.jpg'}\r\n".encode("utf-16"))
    assert [json.loads(line)["image"] for line in ai_lens(*asked).out.splitlines()] == [
        str(captures / "1.jpg")
    ]
    listed.write_bytes("전시실/꽃병.jpg\n".encode("cp949"))
    assert "The list of photos is not UTF-8. Save it as UTF-8." in ai_lens(*asked).failed(3, "E100")


def test_keeping_decoded_photos_where_nothing_can_be_written_is_e700(
    ai_lens, onnx_model, captures, tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AI_LENS_CACHE_DIR", str(tmp_path / "file"))
    batch(ai_lens, onnx_model, captures, "--keep-decoded").failed(7, "E700")


def test_more_workers_than_libraries_can_start_threads(ai_lens, onnx_model, captures, tmp_path):
    """A server of 384 threads asks for as many by default."""
    listed = tmp_path / "list.txt"
    for number in range(300):
        (tmp_path / f"{number}.jpg").symlink_to(captures / "1.jpg")
    listed.write_text("".join(f"{tmp_path}/{number}.jpg\n" for number in range(300)))
    asked = ("infer-batch", "--model", onnx_model, "--place", "A", "--input-list", listed)
    done = ai_lens(*asked, "--workers", 300)
    assert (done.status, len(done.out.splitlines())) == (0, 300)


def test_a_batch_needs_a_folder_or_a_list_not_both(ai_lens, onnx_model, captures):
    asked = ("infer-batch", "--model", onnx_model, "--place", "A")
    assert ai_lens(*asked).status == 2
    both = batch(ai_lens, onnx_model, captures, "--input-list", "-")
    assert both.status == 2
    assert "either --input-dir or --input-list" in both.err


def test_a_stopped_batch_goes_on_with_the_same_command_only(ai_lens, onnx_model, captures, tmp_path):
    target = tmp_path / "results.jsonl"
    whole = batch(ai_lens, onnx_model, captures).out
    asked = Batch(Lens(onnx_model), "A")
    with contextlib.suppress(KeyboardInterrupt), ledger_of(target, asked.identity) as ledger:
        for answer in islice(asked.answers(sorted(captures.iterdir())), 2):
            ledger.write(answer)
        raise KeyboardInterrupt
    for other in (("--topk", 1), ("--lang", "en"), ("--reject-threshold", 0.5), ("--index", "faiss")):
        refused = batch(ai_lens, onnx_model, captures, "--output", target, *other)
        assert "begun otherwise" in refused.failed(2, "E610")
    done = batch(ai_lens, onnx_model, captures, "--output", target)
    assert "2 of 5 photos were answered before" in done.err
    assert target.read_text(encoding="utf-8") == whole
    assert not target.with_name("results.jsonl.part").exists()


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_any_number_of_workers_gives_the_same_lines(ai_lens, onnx_model, captures, workers):
    plain = batch(ai_lens, onnx_model, captures).out
    assert batch(ai_lens, onnx_model, captures, "--workers", workers).out == plain
    assert batch(ai_lens, onnx_model, captures, "--keep-decoded").out == plain


def test_lines_that_name_a_photo_again_are_told_of(ai_lens, onnx_model, captures, tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text(f"{captures / '1.jpg'}\n" * 3)
    done = ai_lens("infer-batch", "--model", onnx_model, "--place", "A", "--input-list", listed)
    assert (done.status, len(done.out.splitlines())) == (0, 1)
    assert "warning: 2 lines name a photo again" in done.err


@pytest.mark.parametrize("content", [b"a.jpg\0b.jpg\0", b"\xff\xd8\xff\xe0\0"])
def test_what_is_no_list_is_e100(ai_lens, onnx_model, tmp_path, content):
    (tmp_path / "list.txt").write_bytes(content)
    asked = ("infer-batch", "--model", onnx_model, "--place", "A", "--input-list", tmp_path / "list.txt")
    assert "Write one path per line" in ai_lens(*asked).failed(3, "E100")


def test_a_link_to_nothing_is_a_line_with_an_error(ai_lens, onnx_model, captures):
    (captures / "gone.jpg").symlink_to("nowhere.jpg")
    done = batch(ai_lens, onnx_model, captures)
    lines = [json.loads(line) for line in done.out.splitlines()]
    (gone,) = [line for line in lines if line["image"].endswith("gone.jpg")]
    assert (done.status, gone["error"]["code"]) == (6, "E120")
    assert len(lines) == len(list(captures.iterdir()))


@pytest.mark.parametrize("what", ["model", "photo", "list"])
def test_answers_never_replace_what_they_are_made_from(ai_lens, onnx_model, captures, tmp_path, what):
    (tmp_path / "list.txt").write_text(f"{captures / '1.jpg'}\n")
    model = shutil.copy(onnx_model, tmp_path / "best.onnx")
    target = {"model": model, "photo": captures / "1.jpg", "list": tmp_path / "list.txt"}[what]
    before = target.read_bytes()
    asked = ("infer-batch", "--model", model, "--place", "A", "--input-list", tmp_path / "list.txt")
    assert "holds something else than answers" in ai_lens(*asked, "--output", target).failed(7, "E700")
    assert target.read_bytes() == before


def test_a_folder_where_the_unfinished_answers_go_is_e700(ai_lens, onnx_model, captures, tmp_path):
    (tmp_path / "results.jsonl.part").mkdir()
    batch(ai_lens, onnx_model, captures, "--output", tmp_path / "results.jsonl").failed(7, "E700")
