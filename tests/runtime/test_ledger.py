"""A batch that is stopped goes on where it was, and never mixes two kinds of answers."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lens_core.errors import BusyError, OtherBatchError
from lens_core.runtime.ledger import ledger_of

ABOUT = {"model": "1.0.0 abc", "place": "A", "topk": 3}
PHOTOS = [Path(f"{number}.jpg") for number in range(4)]


def answer(photo, **more):
    return {"image": str(photo), "place": "A", **more}


def stopped(output, answers, about=ABOUT):
    """Leave a batch behind that was stopped after these answers."""
    with contextlib.suppress(KeyboardInterrupt), ledger_of(output, about) as ledger:
        for one in answers:
            ledger.write(one)
        raise KeyboardInterrupt


def finish(output, photos=PHOTOS, about=ABOUT):
    """Answer what is missing; returns which photos that were."""
    with ledger_of(output, about) as ledger:
        missing = ledger.missing(photos, str)
        for photo in missing:
            ledger.write(answer(photo))
    return missing


@pytest.fixture
def output(tmp_path):
    return tmp_path / "답변.jsonl"


@pytest.fixture
def part(output):
    return output.with_name(output.name + ".part")


def test_when_all_is_there_only_the_answers_are_left(output):
    finish(output)
    assert [json.loads(line) for line in output.read_text().splitlines()] == [answer(one) for one in PHOTOS]
    assert list(output.parent.iterdir()) == [output]


def test_what_was_answered_is_not_asked_again(output):
    stopped(output, [answer(PHOTOS[0]), answer(PHOTOS[1], error={"code": "E120"})])
    assert not output.exists()
    with ledger_of(output, ABOUT) as ledger:
        assert ledger.missing(PHOTOS, str) == PHOTOS[2:]
        assert ledger.failed == 1


@pytest.mark.parametrize("torn", [1, 2, 20, "all but the line break", "zeros"])
def test_a_torn_last_line_is_answered_again(output, part, torn):
    stopped(output, [answer(PHOTOS[0]), answer(PHOTOS[1])])
    whole = part.read_bytes()
    start = whole.index(b'{"image": "1.jpg"')
    if torn == "zeros":  # what a file system may leave after a power failure
        part.write_bytes(whole[:start] + bytes(len(whole) - start))
    else:
        end = len(whole) - 1 if torn == "all but the line break" else start + torn
        part.write_bytes(whole[:end])
    assert finish(output) == PHOTOS[1:]
    finish(other := output.with_name("other.jsonl"))
    assert output.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("length", [0, 1, 30])
def test_a_torn_first_line_is_a_batch_that_has_not_begun(output, part, length):
    stopped(output, [])
    part.write_bytes(part.read_bytes()[:length])
    assert finish(output) == PHOTOS


def test_old_results_stay_until_the_new_ones_are_whole(output):
    old = '{"image": "old.jpg"}\n'
    output.write_text(old)
    stopped(output, [answer(PHOTOS[0])])
    assert output.read_text() == old
    finish(output)
    assert "old" not in output.read_text()


def test_another_setting_is_not_mixed_in(output, part):
    stopped(output, [answer(PHOTOS[0])])
    before = part.read_bytes()
    with pytest.raises(OtherBatchError) as refused:
        finish(output, about={**ABOUT, "topk": 1})
    assert refused.value.what == f"{part} holds answers that were begun otherwise: topk was 3, is now 1."
    assert part.read_bytes() == before
    assert finish(output) == PHOTOS[1:]


def test_answers_to_photos_that_are_not_asked_about_are_not_mixed_in(output, part):
    stopped(output, [answer("elsewhere.jpg")])
    with pytest.raises(OtherBatchError, match=r"an answer to elsewhere\.jpg, which is not asked about now"):
        finish(output)
    assert part.exists()


def test_a_file_of_somebody_else_is_left_alone(output, part):
    part.write_text("a diary\n")
    with pytest.raises(OtherBatchError, match="no answers of ai-lens"):
        finish(output)
    assert part.read_text() == "a diary\n"


def test_photos_of_one_name_are_each_answered(output):
    photos = [Path("a/1.jpg"), Path("b/1.jpg")]
    stopped(output, [answer("1.jpg")])
    with ledger_of(output, ABOUT) as ledger:
        assert ledger.missing(photos, lambda photo: photo.name) == photos[1:]


def test_two_processes_do_not_write_the_same_answers(output):
    with ledger_of(output, ABOUT), pytest.raises(BusyError, match="Another ai-lens process"):
        finish(output)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_killed_at_random_moments_the_result_is_the_same(onnx_model, draw, tmp_path):
    photos = tmp_path / "captures"
    photos.mkdir()
    for number in range(120):
        draw(("disc", "box")[number % 2], "gold", number, size=(640, 480)).save(photos / f"{number:03}.png")
    (photos / "050.png").write_bytes(b"no photo")
    command = [
        Path(sys.executable).with_name("ai-lens"), "--quiet", "infer-batch", "--model", onnx_model, "--place",
        "A", "--input-dir", photos, "--workers", "2", "--output",
    ]  # fmt: skip
    whole, killed = tmp_path / "whole.jsonl", tmp_path / "killed.jsonl"
    assert subprocess.run([*command, whole], stderr=subprocess.DEVNULL, check=False).returncode == 6
    part, moments, kills = killed.with_name("killed.jsonl.part"), random.Random(7), 0  # noqa: S311
    while not killed.exists():
        process = subprocess.Popen([*command, killed], stderr=subprocess.DEVNULL)
        if kills < 5:
            wanted = _lines(part) + moments.randint(1, 15)
            while _lines(part) < wanted and process.poll() is None:
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            kills += process.wait() == -signal.SIGKILL
        process.wait()
    assert kills >= 3
    assert sorted(killed.read_bytes().splitlines()) == sorted(whole.read_bytes().splitlines())


def _lines(part):
    return part.read_bytes().count(b"\n") if part.exists() else 0
