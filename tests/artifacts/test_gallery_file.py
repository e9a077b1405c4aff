"""``.index`` files: mapped instead of read, and never believed when a byte of them has changed."""

import io
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from lens_core.artifacts import container, gallery
from lens_core.artifacts.cache import as_file
from lens_core.artifacts.gallery import NAME, Gallery, normalise, to_bytes
from lens_core.artifacts.gallery_file import GalleryFile, SavedIndex, read_file
from lens_core.errors import ArtifactError, CannotWriteError, DamagedArtifactError, ModelLoadError

LABELS = (("B", "ㄱ"), ("B", "ㄱ"), ("가야관", "ㄱ"), ("가야관", '금관 "신라"'))


def bytes_of(text):
    return np.frombuffer(text.encode(), np.uint8)


@pytest.fixture
def file():
    vectors = normalise(np.random.default_rng(0).standard_normal((len(LABELS), 8)).astype(np.float32))
    saved = {place: SavedIndex.of(bytes_of(f"index of {place}")) for place in ("B", "가야관")}
    return GalleryFile(Gallery.of(vectors, LABELS), "0123", "faiss", {"nprobe": 8, "이름": True}, saved)


@pytest.fixture
def path(file, tmp_path):
    path = tmp_path / "가야관.index"
    file.write(path)
    return path


def test_a_gallery_file_comes_back_as_it_was(file, path):
    again = read_file(path)
    np.testing.assert_array_equal(again.gallery.embeddings, file.gallery.embeddings)
    assert again.gallery.labels == LABELS
    assert (again.embedding_id, again.index, again.index_options) == (
        "0123",
        "faiss",
        {"nprobe": 8, "이름": True},
    )
    assert {place: saved.content.tobytes().decode() for place, saved in again.indexes.items()} == {
        "B": "index of B",
        "가야관": "index of 가야관",
    }


def test_the_same_gallery_makes_the_same_file(file, path, tmp_path):
    read_file(path).write(tmp_path / "again.index")
    assert (tmp_path / "again.index").read_bytes() == path.read_bytes()


def test_any_zip_tool_opens_it(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert NAME in archive.namelist()


def test_all_of_it_is_looked_at_where_it_lies(path):
    again = read_file(path)
    first = again.gallery.embeddings
    mapping = first
    while isinstance(mapping, np.ndarray):
        mapping = mapping.base
    whole = np.frombuffer(mapping, np.uint8)
    assert whole.tobytes() == path.read_bytes()
    looked_at = [first, again.gallery.means, again.gallery.of_place("가야관").embeddings]
    for array in (*looked_at, *(saved.content for saved in again.indexes.values())):
        assert np.shares_memory(array, whole)
        assert not array.flags.writeable
    assert first.ctypes.data % 64 == 0


def test_a_file_that_is_replaced_stays_what_it_was_for_who_has_it_open(file, path):
    before = read_file(path)
    others = Gallery.of(-file.gallery.embeddings, LABELS)
    GalleryFile(others, "4567", "exact", {}, {}).write(path)
    np.testing.assert_array_equal(before.gallery.embeddings, file.gallery.embeddings)
    np.testing.assert_array_equal(read_file(path).gallery.embeddings, others.embeddings)


def test_one_changed_byte_of_any_member_is_damage_and_nothing_is_parsed(path, monkeypatch):
    content = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
    assert len(members) == 4
    for parser in (zipfile, "ZipFile"), (json, "loads"), (gallery, "from_bytes"):
        monkeypatch.setattr(*parser, None)
    for member in members:
        for position in (member.header_offset, member.header_offset + 150, member.header_offset + 200):
            changed = bytearray(content)
            changed[position] ^= 1
            path.write_bytes(changed)
            with pytest.raises(DamagedArtifactError, match=r"E210: .*가야관\.index is damaged"):
                read_file(path)


@pytest.mark.parametrize("kept", [0, 1, 63, 64, 65, 0.5, -64, -1])
def test_a_file_cut_short_is_damage(path, kept):
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    with pytest.raises(DamagedArtifactError):
        read_file(path)


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(ModelLoadError, match=r"none\.index cannot be read: No such file"):
        read_file(tmp_path / "none.index")
    with pytest.raises(ModelLoadError, match="is a folder, not a file"):
        read_file(tmp_path)


def test_a_model_is_not_a_gallery_file(tmp_path):
    container.write(tmp_path / "a.ckpt", {"manifest.json": b"{}"})
    with pytest.raises(ModelLoadError, match="is not a gallery made by `ai-lens build-index`"):
        read_file(tmp_path / "a.ckpt")


@pytest.mark.parametrize("about", [b"", b"nonsense", b"[]", b"{}", json.dumps({"index": "exact"}).encode()])
def test_a_sealed_gallery_file_that_is_not_understood_is_an_error(file, tmp_path, about):
    path = tmp_path / "a.index"
    container.write(path, {"about.json": about, NAME: to_bytes(file.gallery)})
    with pytest.raises(ArtifactError):
        read_file(path)


@pytest.mark.parametrize("name", ["../../escaped", "/escaped", "", "0" * 63, "A" * 64])
def test_an_index_is_named_by_a_hash_and_never_leaves_the_cache(file, tmp_path, name):
    path = tmp_path / "a.index"
    about = {"embedding_id": "0123", "index": "faiss", "index_options": {}, "format": 1}
    inside = {"gallery.safetensors": to_bytes(file.gallery), f"indexes/{name}": b"index"}
    container.write(path, {"about.json": json.dumps({**about, "indexes": {"B": name}}).encode(), **inside})
    with pytest.raises(ModelLoadError, match=r"about\.json that is not understood"):
        read_file(path)


WRITE_AND_READ = """
import re, sys
from pathlib import Path
import numpy as np
from lens_core.artifacts.gallery import Gallery
from lens_core.artifacts.gallery_file import GalleryFile, read_file

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

path, count = Path(sys.argv[1]), 40_000
vectors = np.full((count, 512), 512 ** -0.5, np.float32)
gallery = Gallery.of(vectors, [("A", f"{row // 20:04}") for row in range(count)])
before = peak()
GalleryFile(gallery, "0123", "exact", {}, {}).write(path)
written = peak() - before
del vectors, gallery
before = peak()
Path("/proc/self/clear_refs").write_text("5")
low = peak()
opened = read_file(path).gallery
assert len(opened.of_place("A")) == count and opened.labels[-1] == ("A", "1999")
print(written, peak() - low, path.stat().st_size >> 20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's peak memory so")
def test_neither_writing_nor_opening_takes_the_memory_of_another_copy(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WRITE_AND_READ, str(tmp_path / "A.index")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    written, opened, size = map(int, done.stdout.split())
    assert size > 80
    assert written < size / 4
    assert opened < size / 4


# --- files of their own for libraries that map them


def test_an_index_gets_a_file_of_its_own_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AI_LENS_CACHE_DIR", str(tmp_path))
    saved = SavedIndex.of(np.arange(3_000_000, dtype=np.uint32).view(np.uint8))
    path = as_file(saved.content, saved.sha256)
    assert path.is_relative_to(tmp_path)
    assert path.read_bytes() == saved.content.tobytes()
    written = path.stat().st_ino
    assert as_file(saved.content, saved.sha256) == path
    assert path.stat().st_ino == written


@pytest.mark.parametrize("change", ["one byte", "cut", "longer", "a folder", "a pipe"])
def test_a_file_in_the_cache_is_believed_only_when_it_holds_the_same_bytes(tmp_path, monkeypatch, change):
    monkeypatch.setenv("AI_LENS_CACHE_DIR", str(tmp_path))
    saved = SavedIndex.of(np.arange(1_000_000, dtype=np.uint32).view(np.uint8))
    path = as_file(saved.content, saved.sha256)
    whole = path.read_bytes()
    changed = {"one byte": b"\xff" + whole[1:], "cut": whole[:-1], "longer": whole + b"\0"}
    if change in changed:
        path.write_bytes(changed[change])
        assert as_file(saved.content, saved.sha256).read_bytes() == whole
    else:
        path.unlink()
        path.mkdir() if change == "a folder" else os.mkfifo(path)
        with pytest.raises(CannotWriteError):
            as_file(saved.content, saved.sha256)
