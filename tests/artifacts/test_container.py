"""The sealed file behind .ckpt and .index: what was written comes back, and damage is always found."""

import contextlib
import io
import pickle
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lens_core.artifacts import container, integrity
from lens_core.errors import ArtifactError, DamagedArtifactError, ModelLoadError

DOCUMENTS = {
    "manifest.json": '{"place": "가야관"}'.encode(),
    "weights": bytes(range(256)) * 8,
    "빈 문서": b"",
}
CONTENT = container.pack(DOCUMENTS)


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "모형.ckpt"
        path.write_bytes(content)
        return path

    return write


def test_what_was_written_comes_back(tmp_path):
    container.write(tmp_path / "a.ckpt", DOCUMENTS)
    assert container.read(tmp_path / "a.ckpt") == DOCUMENTS


def test_the_same_content_makes_the_same_bytes():
    assert container.pack(dict(DOCUMENTS)) == CONTENT


def test_any_zip_tool_opens_it():
    with zipfile.ZipFile(io.BytesIO(CONTENT)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == list(DOCUMENTS)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0/\\"), min_size=1, max_size=20)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(NAMES, st.binary(max_size=300)))
def test_any_documents_come_back(tmp_path_factory, documents):
    path = tmp_path_factory.mktemp("any") / "a.ckpt"
    container.write(path, documents)
    assert container.read(path) == documents


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, len(CONTENT) - 1), flip=st.integers(1, 255))
def test_one_changed_byte_anywhere_is_found(file, position, flip):
    changed = bytearray(CONTENT)
    changed[position] ^= flip
    with pytest.raises(ArtifactError) as refused:
        container.read(file(bytes(changed)))
    assert refused.value.code in ("E200", "E210")


@pytest.mark.parametrize("length", [*range(0, 200, 7), *range(200, len(CONTENT), 97), len(CONTENT) - 1])
def test_a_file_cut_short_is_damaged(file, length):
    with pytest.raises(DamagedArtifactError, match=r"E210: .*모형\.ckpt"):
        container.read(file(CONTENT[:length]))


@pytest.mark.parametrize("more", [b"\0", b"\n", b"more", CONTENT])
def test_a_file_with_something_added_is_damaged(file, more):
    with pytest.raises(DamagedArtifactError):
        container.read(file(CONTENT + more))


def test_a_pickle_is_refused_and_called_a_pickle(file):
    with pytest.raises(ModelLoadError) as refused:
        container.read(file(pickle.dumps({"state_dict": [1, 2, 3]})))
    assert "is a Python pickle, as torch.save writes it" in str(refused.value)
    assert ".safetensors" in refused.value.advice


def test_a_torch_checkpoint_is_refused_and_called_a_pickle(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"state_dict": {"weight": torch.zeros(3)}}, tmp_path / "foreign.ckpt")
    with pytest.raises(ModelLoadError, match="is a Python pickle"):
        container.read(tmp_path / "foreign.ckpt")


def test_a_pickle_with_a_valid_seal_is_not_opened_either(file, tmp_path):
    class Harm:
        def __reduce__(self):
            return open, (str(tmp_path / "harmed"), "w")

    with pytest.raises(ArtifactError):
        container.read(file(integrity.seal(pickle.dumps(Harm()))))
    assert not (tmp_path / "harmed").exists()


def test_a_plain_zip_and_text_are_not_ours(file):
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("manifest.json", "{}")
    for content in (plain.getvalue(), "안녕하세요".encode() * 40, b"\0" * 500):
        with pytest.raises(ArtifactError, match="damaged or was not made by ai-lens"):
            container.read(file(content))


def test_a_zip_bomb_is_not_unpacked_even_under_a_valid_seal(file):
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", bytes(1 << 24))
        archive.comment = b"0" * integrity.SEAL_LENGTH
    path = file(integrity.seal(bomb.getvalue()[: -integrity.SEAL_LENGTH]))
    for look in (container.read, lambda path: container.peek(path, "manifest.json")):
        with pytest.raises(ModelLoadError, match="its members are compressed"):
            look(path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, len(CONTENT) - 65), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_broken_zip_under_a_valid_seal_is_an_error_not_a_crash(file, changes):
    changed = bytearray(CONTENT[: -integrity.SEAL_LENGTH])
    for from_the_end, byte in changes:
        changed[-from_the_end] = byte
    path = file(integrity.seal(bytes(changed)))
    for look in (container.read, lambda path: container.peek(path, "manifest.json")):
        with contextlib.suppress(ModelLoadError):
            look(path)


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04" + b"\0" * 40])
def test_sealed_bytes_that_are_no_such_file_are_an_error(file, content):
    with pytest.raises(ModelLoadError, match="is no ai-lens file of this kind"):
        container.read(file(integrity.seal(content)))


def test_a_missing_file_and_a_folder_say_why(tmp_path):
    with pytest.raises(ModelLoadError, match=r"a\.ckpt cannot be read: No such file or directory\."):
        container.read(tmp_path / "a.ckpt")
    with pytest.raises(ModelLoadError, match=r"cannot be read: it is a folder, not a file\."):
        container.read(tmp_path)


def test_an_empty_file_is_called_empty(file):
    with pytest.raises(DamagedArtifactError, match=r"is empty\. Copy the file again"):
        container.read(file(b""))
