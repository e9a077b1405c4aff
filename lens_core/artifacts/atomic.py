"""The one way anything is written: all of it, or nothing."""

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lens_core.errors import BusyError, CannotWriteError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary file in the folder of ``path`` that replaces it when the block ends well.

    The bytes are on disk (fsync of file and folder) before the block's successor runs; when the block
    raises, ``path`` is as it was and the temporary file is gone. A link stays one: what it leads to is
    replaced. Raises CannotWriteError (E700).
    """
    path = path.resolve() if path.is_symlink() else path
    _refuse_devices(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".ai-lens-", suffix=".part")
        os.close(handle)
    except OSError as error:
        raise _cannot_write(path, error) from error
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        _fsync(temporary)
        temporary.replace(path)
        _fsync(path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def atomic_write(path: Path, content: bytes | str) -> None:
    """Write a whole file at once; text is UTF-8 with plain newlines."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def write_json(path: Path, value: object) -> None:
    """Write readable UTF-8 JSON, Korean as such."""
    atomic_write(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def write_json_lines(path: Path, values: Iterable[object]) -> None:
    """Write one UTF-8 JSON value per line."""
    atomic_write(path, "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values))


def move_into_place(written: Path, path: Path) -> None:
    """Replace ``path`` by ``written`` (a file or a folder) together with the files beside it.

    They must be on the disk of ``path`` and in a folder of their own. Where that fails, everything is as it
    was. The main file comes last; a reader that opens a pair in between finds two files that do not belong
    together, which their seal tells. Raises CannotWriteError (E700).
    """
    parts = [*sorted(other for other in written.parent.iterdir() if other != written), written]
    aside = written.parent / "aside"
    undo: list[tuple[Path, Path]] = []
    try:
        for part in parts:
            _refuse_another_kind(part, path.parent / part.name)
            for file in [part, *part.rglob("*")] if part.is_dir() else [part]:
                _fsync(file)
        aside.mkdir()
        for part in parts:
            target = path.parent / part.name
            if target.exists():
                target.rename(aside / part.name)
                undo.append((aside / part.name, target))
            part.rename(target)
            undo.append((target, part))
        _fsync(path.parent)
    except OSError as error:
        for there, back in reversed(undo):
            there.rename(back)
        raise _cannot_write(path, error) from error


def _refuse_another_kind(new: Path, old: Path) -> None:
    """A folder is never replaced by a file, nor a file by a folder: that cannot be what was meant."""
    if old.exists() and old.is_dir() != new.is_dir():
        there = "folder" if old.is_dir() else "file"
        raise CannotWriteError(f"{old} cannot be written: a {there} of that name is in the way.")


@contextmanager
def only_writer(path: Path, lock: Path) -> Iterator[None]:
    """While the block runs, no other process of ai-lens writes to ``path``, a file or a folder.

    ``lock`` is a file that they agree on. Raises BusyError (E710), or CannotWriteError (E700) for the lock.
    """
    from filelock import FileLock, Timeout

    check_writable(lock)
    try:
        with FileLock(lock, timeout=0):
            yield
    except Timeout as error:
        raise BusyError(f"Another ai-lens process is writing to {path}.") from error


def check_writable(path: Path) -> None:
    """Fail before long work rather than after it: can ``path`` be written? Raises CannotWriteError (E700)."""
    _refuse_devices(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise _cannot_write(path, error) from error


def check_replaces(path: Path, what: str, is_one: Callable[[bytes], bool]) -> None:
    """A slip of the pen must not cost a model or a photo: is what lies at ``path``, if anything, ``what``?

    ``is_one`` tells by the first 64 KiB. Raises CannotWriteError (E700).
    """
    try:
        with path.open("rb") as file:
            begin = file.read(1 << 16)
    except OSError:  # nothing is there, or check_writable() says why it cannot be replaced
        return
    if begin and not is_one(begin):
        raise CannotWriteError(
            f"{path} is in the way: it holds something else than {what}.", "Name another file, or move it."
        )


def _refuse_devices(path: Path) -> None:
    """Replacing ``/dev/null`` or a pipe by a file would surprise everybody."""
    if path.exists() and not path.is_file():
        raise CannotWriteError(f"{path} cannot be written: it is not a file.")


def _cannot_write(path: Path, error: OSError) -> CannotWriteError:
    return CannotWriteError(f"{path} cannot be written: {error.strerror or error}.")


def _umask() -> int:
    # Reading the umask is only possible by setting it.
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _fsync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open a folder; its rename is durable by itself
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
