"""Every mistake: its code, what to do, a non-zero exit, one line, and nothing half-written."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from PIL import Image

Run = Callable[..., CompletedProcess[str]]


def assert_fails(done: CompletedProcess[str], code: str, exit_status: int, *words: str) -> None:
    """One line with the code, the words that name what is wrong, and no traceback."""
    assert done.returncode == exit_status, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("ai-lens: ")]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith(f"ai-lens: {code}: ")
    for word in words:
        assert word in lines[0], lines[0]
    assert "Traceback" not in done.stderr


@pytest.fixture
def data(museum: Path, tmp_path: Path) -> Path:
    """A copy of the drawn museum, to spoil."""
    return Path(shutil.copytree(museum, tmp_path / "data"))


@pytest.fixture(params=["validate-data", "train"])
def refuses(request: pytest.FixtureRequest, lens: Run, data: Path, weights: Path, tmp_path: Path):
    """Both commands that read a data folder refuse it in the same way and leave nothing behind."""

    def check(code: str, exit_status: int, *words: str) -> None:
        save_dir = tmp_path / "run"
        more = ["--save-dir", save_dir, "--backbone", "mobilenetv2", "--weights", weights, "--img-size", "96"]
        more = more if request.param == "train" else []
        assert_fails(lens(request.param, "--data-root", data, *more), code, exit_status, *words)
        assert not list(save_dir.glob("*"))

    return check


def test_no_such_folder(data: Path, refuses) -> None:
    shutil.rmtree(data)
    refuses("E100", 3, str(data), "data/place/item")


def test_photos_directly_under_a_place(data: Path, refuses) -> None:
    stray = data / "A" / "stray.jpg"
    shutil.copy(next((data / "A" / "ㄱ").iterdir()), stray)
    refuses("E100", 3, str(stray))


def test_an_empty_item(data: Path, refuses) -> None:
    (data / "A" / "빈 전시품").mkdir()
    refuses("E100", 3, "빈 전시품")


def test_three_photos_of_an_item(data: Path, refuses) -> None:
    for photo in sorted((data / "B" / "ㄴ").iterdir())[3:]:
        photo.unlink()
    refuses("E110", 3, "B/ㄴ (3)", "--min-images")


def test_a_text_file_named_jpg(data: Path, refuses) -> None:
    (data / "A" / "ㄱ" / "note.jpg").write_text("not a photo")
    refuses("E120", 3, "note.jpg")


def test_a_truncated_jpeg(data: Path, refuses) -> None:
    photo = data / "A" / "ㄱ" / "05.jpg"
    photo.write_bytes(photo.read_bytes()[:2000])
    refuses("E120", 3, "05.jpg")


def test_a_photo_of_one_pixel(data: Path, refuses) -> None:
    Image.new("RGB", (1, 1)).save(data / "A" / "ㄱ" / "dot.png")
    refuses("E121", 3, "dot.png")


def test_a_misspelt_backbone(lens: Run, museum: Path, tmp_path: Path) -> None:
    done = lens("train", "--data-root", museum, "--save-dir", tmp_path / "run", "--backbone", "mobilnetv2")
    assert_fails(done, "E400", 5, "backbone 'mobilnetv2' is unknown", "Did you mean 'mobilenetv2'?")


def test_pretrained_weights_without_a_network_name_both_ways_out(
    lens: Run, museum: Path, tmp_path: Path
) -> None:
    flags = ("--save-dir", tmp_path / "run", "--backbone", "mobilenetv2")
    done = lens("train", "--data-root", museum, *flags, HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "hub"))
    assert_fails(done, "E450", 5, "mobilenetv2_100", "--weights FILE.safetensors", "internet")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("bakbone: vit_b16", ("bakbone", "line 2", "Did you mean 'backbone'?")),
        ("lr: fast", ("lr", "line 2", "a number", "'fast'")),
    ],
)
def test_a_wrong_line_in_the_settings_file(
    lens: Run, museum: Path, tmp_path: Path, line: str, words: tuple[str, ...]
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(f"seed: 1\n{line}\n")
    assert_fails(lens("train", "--data-root", museum, "--config", file), "E600", 2, *words)


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc/sys").is_dir(), reason="root may write anywhere")
def test_no_write_permission(lens: Run, museum: Path, weights: Path) -> None:
    # /proc refuses new folders even to root.
    flags = ("--backbone", "mobilenetv2", "--weights", weights, "--img-size", "96")
    done = lens("train", "--data-root", museum, "--save-dir", "/proc/ai-lens-run", *flags)
    assert_fails(done, "E700", 7, "/proc/ai-lens-run")


class TestAskingAModel:
    """What goes wrong once there is a model."""

    @pytest.fixture
    def photo(self, museum: Path) -> Path:
        return museum / "A" / "ㄱ" / "00.jpg"

    def test_an_unknown_place(self, lens: Run, run_folder: Path, photo: Path) -> None:
        done = lens("infer", "--model", run_folder / "best.onnx", "--place", "C", "--image", photo)
        assert_fails(done, "E320", 2, "'C'", "A, B")

    @pytest.mark.parametrize("name", ["best.ckpt", "best.onnx"])
    def test_one_flipped_byte(
        self, lens: Run, run_folder: Path, photo: Path, tmp_path: Path, name: str
    ) -> None:
        content = bytearray((run_folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        damaged = tmp_path / name
        damaged.write_bytes(content)
        done = lens("infer", "--model", damaged, "--place", "A", "--image", photo)
        assert_fails(done, "E210", 4, str(damaged))

    def test_a_checkpoint_that_is_a_pickle(self, lens: Run, photo: Path, tmp_path: Path) -> None:
        trap = tmp_path / "sprung"

        class Trap:
            def __reduce__(self):
                return Path.touch, (trap,)

        model = tmp_path / "model.ckpt"
        model.write_bytes(pickle.dumps(Trap()))
        done = lens("infer", "--model", model, "--place", "A", "--image", photo)
        assert_fails(done, "E200", 4, "pickle")
        assert not trap.exists()

    def test_no_such_model(self, lens: Run, photo: Path, tmp_path: Path) -> None:
        done = lens("infer", "--model", tmp_path / "none.ckpt", "--place", "A", "--image", photo)
        assert_fails(done, "E200", 4, "none.ckpt")

    def test_no_such_photo(self, lens: Run, run_folder: Path) -> None:
        done = lens("infer", "--model", run_folder / "best.onnx", "--place", "A", "--image", "none.jpg")
        assert_fails(done, "E120", 3, "none.jpg")

    def test_an_unreadable_photo_in_a_batch_is_a_line_and_the_exit_says_so(
        self, lens: Run, run_folder: Path, museum: Path, tmp_path: Path
    ) -> None:
        folder = Path(shutil.copytree(museum / "A" / "ㄱ", tmp_path / "captures"))
        (folder / "05.jpg").write_text("not a photo")
        output = tmp_path / "out.jsonl"
        flags = ("--place", "A", "--input-dir", folder, "--output", output)
        done = lens("infer-batch", "--model", run_folder / "best.onnx", *flags)
        assert done.returncode == 6
        lines = output.read_text(encoding="utf-8").splitlines()
        assert len(lines) == 10
        assert '"code": "E120"' in lines[5]
        assert all('"decision"' in line for number, line in enumerate(lines) if number != 5)

    def test_too_few_photos_to_tune_on_leave_no_threshold(
        self, lens: Run, museum: Path, weights: Path, tmp_path: Path
    ) -> None:
        for place, item in (("A", "ㄱ"), ("B", "ㄴ")):
            folder = tmp_path / "data" / place / item
            folder.mkdir(parents=True)
            shutil.copy(museum / place / item / "00.jpg", folder)
        flags = ("--save-dir", tmp_path / "run", "--backbone", "mobilenetv2", "--weights", weights)
        more = ("--img-size", "96", "--min-images", "1")
        done = lens("train", "--data-root", tmp_path / "data", *flags, *more)
        assert done.returncode == 0, done.stderr
        question = ("infer", "--model", tmp_path / "run" / "best.ckpt", "--place", "A", "--image")
        photo = museum / "A" / "ㄱ" / "01.jpg"
        assert_fails(lens(*question, photo), "E310", 2, "--reject-threshold")
        assert lens(*question, photo, "--reject-threshold", "0.62").returncode == 0
