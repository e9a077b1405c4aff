"""What is particular to FAISS: mapped files, damaged files, messages."""

import os
import subprocess
import sys
from pathlib import Path

import faiss
import numpy as np
import pytest

from lens_core import plugins
from lens_core.artifacts import integrity
from lens_core.errors import (
    BadSettingError,
    CannotWriteError,
    DamagedArtifactError,
    ModelLoadError,
    WrongGalleryError,
)


def unit_vectors(count, dim):
    vectors = np.random.default_rng(0).standard_normal((count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def index():
    made = plugins.make("index", "faiss", {}, dim=8)
    made.add(unit_vectors(5, 8))
    return made


@pytest.fixture
def saved(index, tmp_path):
    path = tmp_path / "전시실 A.index"
    index.save(path)
    return path


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux shows what is mapped")
def test_a_loaded_index_stays_on_disk_until_it_is_changed(index, saved):
    index.load(saved)
    assert str(saved) in Path("/proc/self/maps").read_text()
    index.add(unit_vectors(1, 8))
    assert str(saved) not in Path("/proc/self/maps").read_text()


def test_saving_over_the_file_that_is_open(index, saved):
    index.load(saved)
    index.save(saved)
    index.load(saved)
    assert index.search(unit_vectors(5, 8), 1)[1][:, 0].tolist() == [0, 1, 2, 3, 4]


def test_an_empty_index_is_saved_and_loaded(tmp_path):
    index = plugins.make("index", "faiss", {}, dim=8)
    index.save(tmp_path / "empty.index")
    index.load(tmp_path / "empty.index")
    index.add(unit_vectors(2, 8))
    assert len(index) == 2


@pytest.mark.parametrize("position", [0, 10, 100, -1])
def test_one_changed_byte_is_damage(index, saved, position):
    content = bytearray(saved.read_bytes())
    content[position] ^= 1
    saved.write_bytes(content)
    with pytest.raises(DamagedArtifactError, match=r"E210.*전시실 A.index is damaged.*Copy the file again"):
        index.load(saved)


@pytest.mark.parametrize("length", [0, 1, 63, 64, 100])
def test_a_file_cut_short_is_damage(index, saved, length):
    saved.write_bytes(saved.read_bytes()[:length])
    with pytest.raises(DamagedArtifactError):
        index.load(saved)


def test_after_a_failed_load_the_index_still_answers(index, saved):
    saved.write_bytes(b"")
    with pytest.raises(DamagedArtifactError, match="is empty"):
        index.load(saved)
    assert len(index) == 5


def test_a_sealed_file_that_is_no_index(index, tmp_path):
    (tmp_path / "x.index").write_bytes(integrity.seal(b"something else"))
    with pytest.raises(DamagedArtifactError, match=r"x\.index is not a FAISS index"):
        index.load(tmp_path / "x.index")


def test_another_kind_of_faiss_index(index, tmp_path):
    other = faiss.serialize_index(faiss.IndexFlatL2(8)).tobytes()
    (tmp_path / "x.index").write_bytes(integrity.seal(other))
    with pytest.raises(ModelLoadError, match=r"another kind of FAISS index \(IndexFlatL2\)"):
        index.load(tmp_path / "x.index")


def test_no_such_file(index, tmp_path):
    with pytest.raises(ModelLoadError, match=r"E200.*none\.index cannot be read: No such file"):
        index.load(tmp_path / "none.index")


def test_an_index_of_another_model(saved):
    index = plugins.make("index", "faiss", {}, dim=16)
    with pytest.raises(WrongGalleryError, match="holds vectors of 8 numbers, but this model makes 16"):
        index.load(saved)


def test_a_folder_that_cannot_be_made(index, saved):
    with pytest.raises(CannotWriteError, match=r"E700.*B\.index cannot be written"):
        index.save(saved / "B.index")


def test_a_failed_save_leaves_the_old_file(index, saved, monkeypatch):
    before = saved.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(CannotWriteError, match="No space left on device"):
        index.save(saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (unit_vectors(2, 9), r"takes float32\[N, 8\], not float32\[2, 9\]"),
        (unit_vectors(2, 8).astype(np.float64), r"not float64\[2, 8\]"),
        (unit_vectors(2, 8)[0], r"not float32\[8\]"),
        (np.full((1, 8), np.nan, dtype=np.float32), "NaN or infinity"),
    ],
)
def test_wrong_vectors_are_refused(index, vectors, message):
    with pytest.raises(ValueError, match=message):
        index.add(vectors)
    with pytest.raises(ValueError, match=message):
        index.search(vectors, 1)
    assert len(index) == 5


@pytest.mark.parametrize("k", [0, 6])
def test_more_neighbours_than_vectors(index, k):
    with pytest.raises(ValueError, match=f"k is {k}; it must be between 1 and the 5 vectors"):
        index.search(unit_vectors(1, 8), k)


@pytest.mark.parametrize("row", [-1, 5])
def test_removing_a_row_that_is_not_there(index, row):
    with pytest.raises(ValueError, match="not all among the 5 rows"):
        index.remove(np.array([0, row], dtype=np.int64))
    assert len(index) == 5


def test_it_has_no_options():
    with pytest.raises(BadSettingError, match=r"has no option 'nprobe'\. Its options: none"):
        plugins.make("index", "faiss", {"nprobe": 8}, dim=8)


def test_importing_the_plugin_does_not_import_faiss():
    code = "import sys, ai_lens_faiss; sys.exit('faiss' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
