"""A file is written whole or not at all."""

import os
import stat
import threading
from pathlib import Path

import pytest

from lens_core.artifacts.atomic import (
    atomic_path,
    atomic_write,
    check_writable,
    move_into_place,
    write_json,
)
from lens_core.errors import CannotWriteError


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_bytes_are_there_when_it_returns(tmp_path):
    path = tmp_path / "새 폴더" / "a.bin"
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"
    assert files(path.parent) == ["a.bin"]


def test_text_is_utf8_with_plain_newlines(tmp_path):
    atomic_write(tmp_path / "a.txt", "전시\n")
    assert (tmp_path / "a.txt").read_bytes() == "전시\n".encode()


def test_json_is_readable_as_it_is(tmp_path):
    write_json(tmp_path / "a.json", {"place": "가야관"})
    assert '"가야관"' in (tmp_path / "a.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_failure_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path, failure):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def write_half():
        with atomic_path(path) as temporary:
            temporary.write_bytes(b"half of the ne")
            raise failure

    with pytest.raises(failure):
        write_half()
    assert path.read_bytes() == b"old"
    assert files(tmp_path) == ["a.bin"]


def test_a_full_disk_leaves_the_old_file_and_is_an_error_naming_it(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(CannotWriteError) as refused, atomic_path(path):
        raise OSError(28, os.strerror(28))
    assert str(refused.value).startswith(f"E700: {path} cannot be written: No space left on device.")
    assert path.read_bytes() == b"old"
    assert files(tmp_path) == ["a.bin"]


def test_the_old_file_is_there_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("write", [check_writable, lambda path: atomic_write(path, b"")])
def test_a_folder_that_cannot_be_is_an_error(tmp_path, write):
    (tmp_path / "file").touch()
    with pytest.raises(CannotWriteError, match=r"E700: .*/file/a\.bin cannot be written: "):
        write(tmp_path / "file" / "a.bin")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_an_error(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(CannotWriteError, match="Permission denied"):
            check_writable(tmp_path / "a.bin")
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_in_the_place_of_the_file_is_an_error(tmp_path):
    (tmp_path / "a.bin").mkdir()
    with pytest.raises(CannotWriteError, match=r"a\.bin cannot be written"):
        atomic_write(tmp_path / "a.bin", b"new")
    assert files(tmp_path) == ["a.bin"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such files")
@pytest.mark.parametrize("write", [check_writable, lambda path: atomic_write(path, b"new")])
def test_a_device_or_pipe_is_refused_not_replaced_by_a_file(tmp_path, write):
    """As root, `--output /dev/null` would otherwise take /dev/null away from the whole machine."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(CannotWriteError, match="pipe"):
        write(path)
    assert path.is_fifo()


def test_checking_leaves_nothing_behind_and_touches_nothing(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"old")
    check_writable(tmp_path / "a.bin")
    assert files(tmp_path) == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == b"old"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_others_may_read_the_file_as_the_umask_says(tmp_path):
    atomic_write(tmp_path / "a.bin", b"")
    plain = tmp_path / "plain"
    plain.touch()
    mode = stat.S_IMODE((tmp_path / "a.bin").stat().st_mode)
    assert mode == stat.S_IMODE(plain.stat().st_mode)


def test_many_writers_of_one_file_leave_one_whole_file(tmp_path):
    path = tmp_path / "a.bin"
    contents = [bytes([number]) * 20_000 for number in range(8)]
    threads = [threading.Thread(target=atomic_write, args=(path, content)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in contents
    assert files(tmp_path) == ["a.bin"]


def test_a_long_name_that_the_file_system_takes_can_be_written(tmp_path):
    path = tmp_path / ("가" * 80 + ".ckpt")  # 245 bytes: the file system takes it
    path.write_bytes(b"old")
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"


# --- files that belong together


def written(folder, *names):
    """A folder of its own, beside the target, that holds what was just written."""
    (folder / "new").mkdir(parents=True)
    for name in names:
        (folder / "new" / name).write_text(f"new {name}")
    return folder / "new" / names[0]


def test_a_file_and_its_companion_are_moved_together(tmp_path):
    (tmp_path / "best.xml").write_text("old")
    move_into_place(written(tmp_path, "best.xml", "best.bin"), tmp_path / "best.xml")
    assert (tmp_path / "best.xml").read_text() == "new best.xml"
    assert (tmp_path / "best.bin").read_text() == "new best.bin"


def test_a_folder_replaces_a_folder(tmp_path):
    package = tmp_path / "new" / "best.mlpackage"
    (package / "Data").mkdir(parents=True)
    (package / "Data" / "model").write_text("new")
    (tmp_path / "best.mlpackage" / "Data").mkdir(parents=True)
    (tmp_path / "best.mlpackage" / "Data" / "gone").write_text("old")
    move_into_place(package, tmp_path / "best.mlpackage")
    assert [path.name for path in (tmp_path / "best.mlpackage" / "Data").iterdir()] == ["model"]


def test_a_folder_is_never_replaced_by_a_file_of_its_name(tmp_path):
    (tmp_path / "best.bin").mkdir()
    (tmp_path / "best.bin" / "thesis.txt").write_text("precious")
    with pytest.raises(
        CannotWriteError, match=r"best\.bin cannot be written: a folder of that name is in the way"
    ):
        move_into_place(written(tmp_path, "best.xml", "best.bin"), tmp_path / "best.xml")
    assert (tmp_path / "best.bin" / "thesis.txt").read_text() == "precious"
    assert not (tmp_path / "best.xml").exists()


def test_where_moving_fails_half_way_everything_is_as_it_was(tmp_path, monkeypatch):
    for name in ("best.xml", "best.bin"):
        (tmp_path / name).write_text(f"old {name}")
    new, rename = written(tmp_path, "best.xml", "best.bin"), Path.rename

    def failing(self, target):
        if self == new:
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(CannotWriteError, match="Input/output error"):
        move_into_place(new, tmp_path / "best.xml")
    assert (tmp_path / "best.xml").read_text() == "old best.xml"
    assert (tmp_path / "best.bin").read_text() == "old best.bin"
