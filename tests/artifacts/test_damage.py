"""Whatever happens to a stored file, it is refused by name: never a crash, a hang or another answer."""

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from lens_core import plugins
from lens_core.artifacts import container, gallery_file, manifest
from lens_core.errors import ArtifactError, CannotRunHereError, LensError, ModelLoadError

KEPT = Path(__file__).parent / "kept" / "0.1" / "best"
MODELS = (".ckpt", ".onnx", ".ort", ".xml", ".pt", ".mlpackage")
KINDS = (*MODELS, ".index (exact)", ".index (faiss)")
EDGE = 4096
"""Every byte is changed in so many at the start of a file, and as many at its end."""
ELSEWHERE = 2000
"""Bytes changed in between, at random."""
Open = Callable[[], object]


@pytest.fixture(scope="module")
def files(models, galleries):
    """Every artifact that is to be damaged, by what it is called here."""
    return {**models, **{f".index ({name})": path for name, path in galleries.items()}}


@pytest.fixture
def copied(files, tmp_path):
    """``copied(".xml")``: an artifact to damage, with what belongs to it, in a folder of its own."""

    def copy(kind):
        return shutil.copytree(files[kind].parent, tmp_path / "본") / files[kind].name

    return copy


def opener(path: Path) -> Open:
    """What opens this file wherever it is opened, without looking for its plugin every time."""
    if path.suffix == ".index":
        return lambda: gallery_file.read_file(path)
    driver = plugins.load("runtime", path.suffix[1:])
    return lambda: driver.make("make_runtime", path=path, options=driver.options({}))


def parts(artifact: Path) -> list[Path]:
    """The files of an artifact."""
    if artifact.is_dir():
        return sorted(path for path in artifact.rglob("*") if path.is_file())
    beside = artifact.with_suffix(".bin")
    return [artifact, beside] if artifact.suffix == ".xml" else [artifact]


def what_happens(open_it: Open) -> str:
    """Nothing where the artifact is refused as it should be."""
    try:
        open_it()
    except ArtifactError as error:
        return "" if error.code in ("E200", "E210") else str(error)
    except CannotRunHereError:
        return "its damage was not noticed before its format was found not to run here"
    except BaseException as error:  # noqa: BLE001 # whatever it is, it is not what a user should see
        return f"{type(error).__name__}: {error}"
    return "it was opened"


@contextmanager
def restored(path: Path) -> Iterator[bytes]:
    """The content of a file, which afterwards is as before."""
    before = path.read_bytes()
    try:
        yield before
    finally:
        path.write_bytes(before)


def offsets(size: int) -> list[int]:
    edges = {*range(min(EDGE, size)), *range(max(size - EDGE, 0), size)}
    return sorted(edges | set(np.random.default_rng(0).integers(0, size, ELSEWHERE).tolist()))


def after_flips(path: Path, open_it: Open) -> Iterator[str]:
    """One bit changed, at each of many places."""
    random = np.random.default_rng(1)
    with restored(path) as content, path.open("r+b") as file:
        for place in offsets(len(content)):
            os.pwrite(file.fileno(), bytes([content[place] ^ (1 << random.integers(8))]), place)
            if complaint := what_happens(open_it):
                yield f"{path.name} with a bit of byte {place} changed: {complaint}"
            os.pwrite(file.fileno(), content[place : place + 1], place)


def after_cuts(path: Path, open_it: Open) -> Iterator[str]:
    """Cut off at every percent, and one byte before the end."""
    with restored(path) as content:
        for length in sorted({len(content) * percent // 100 for percent in range(100)} | {len(content) - 1}):
            path.write_bytes(content[:length])
            if complaint := what_happens(open_it):
                yield f"{path.name} cut to {length} of {len(content)} bytes: {complaint}"


def after_additions(path: Path, open_it: Open) -> Iterator[str]:
    """Something in front, behind, twice, or with the line ends of another system."""
    with restored(path) as content:
        for what, more in {
            "a zero behind": content + b"\0",
            "a line end behind": content + b"\n",
            "a page of zeros behind": content + bytes(4096),
            "a byte order mark in front": b"\xef\xbb\xbf" + content,
            "itself behind": content + content,
            "other line ends": content.replace(b"\n", b"\r\n") + b"\r\n",
            "zeros instead": bytes(len(content)),
        }.items():
            path.write_bytes(more)
            if complaint := what_happens(open_it):
                yield f"{path.name} with {what}: {complaint}"


@pytest.mark.parametrize("damage", [after_flips, after_cuts, after_additions], ids=lambda one: one.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_damage_anywhere_is_refused(copied, kind, damage):
    artifact = copied(kind)
    open_it = opener(artifact)
    with contextlib.suppress(CannotRunHereError):
        open_it()  # whole, it is not refused
    complaints = [one for part in parts(artifact) for one in damage(part, open_it)]
    assert complaints[:10] == []


# --- files that belong together


@pytest.mark.parametrize("kind", [".xml", ".mlpackage"])
def test_each_file_is_missed(copied, kind):
    artifact = copied(kind)
    open_it = opener(artifact)
    for part in parts(artifact):
        with restored(part):
            part.unlink()
            assert what_happens(open_it) == "", f"without {part.name}"


@pytest.mark.parametrize("kind", [".xml", ".mlpackage"])
def test_the_files_of_another_model_are_noticed(copied, kind):
    artifact, other = copied(kind), KEPT.with_suffix(kind)
    open_it = opener(artifact)
    for part, foreign in zip(parts(artifact), parts(other), strict=True):
        if part.name != "Manifest.json":  # the same in every package
            with restored(part):
                shutil.copy(foreign, part)
                assert what_happens(open_it) == "", f"with the {part.name} of another model"


@pytest.mark.parametrize("name", ["more", "덧붙임.bin", b"\xb0\xa1.bin", "two\nlines"])
def test_a_file_more_in_a_package_is_noticed(copied, name):
    artifact = copied(".mlpackage")
    with open(os.path.join(os.fsencode(artifact), os.fsencode(name)), "wb") as more:  # noqa: PTH118, PTH123
        more.write(b"more")
    assert what_happens(opener(artifact)) == ""


# --- the cache, which anybody may write to


def test_a_damaged_cache_changes_no_answer(models, galleries, start, photos, tmp_path):
    asked = ["infer", "--model", models[".onnx"], "--place", "A", "--image", next(photos.rglob("*.jpg"))]
    asked += ["--index-file", galleries["faiss"]]
    usual = start(*asked, AI_LENS_CACHE_DIR=str(tmp_path))
    assert usual.returncode == 0
    for file in [path for path in tmp_path.rglob("*") if path.is_file()]:
        content = file.read_bytes()
        for bad in (b"", content[:-1], bytes(len(content)), content[::-1]):
            file.write_bytes(bad)
            assert start(*asked, AI_LENS_CACHE_DIR=str(tmp_path)).stdout == usual.stdout


# --- what a user sees


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_line_says_it_in_one_line_and_exits_with_4(copied, models, start, photos, kind):
    artifact = copied(kind)
    part = max(parts(artifact), key=lambda part: part.stat().st_size)
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    which = ["--model", models[".onnx"], "--index-file", artifact]
    which = which if artifact.suffix == ".index" else ["--model", artifact]
    done = start("infer", *which, "--place", "A", "--image", next(photos.rglob("*.jpg")))
    assert (done.returncode, done.stdout) == (4, "")
    assert re.fullmatch(r"ai-lens: E210: .* (is|its file .*) (damaged|has changed)\b.*\n", done.stderr)
    assert str(artifact.with_suffix("")) in done.stderr


def test_listing_runs_shows_nothing_that_was_not_written(models, tmp_path):
    """A checkpoint's manifest is looked at without its seal only to list it."""
    path = Path(shutil.copy(models[".ckpt"], tmp_path / "best.ckpt"))
    written = container.read(path)[manifest.NAME]

    def look():
        with contextlib.suppress(LensError):
            assert container.peek(path, manifest.NAME) == written
        raise ModelLoadError("as it should be")

    assert [*after_flips(path, look), *after_cuts(path, look), *after_additions(path, look)] == []
