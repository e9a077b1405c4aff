"""A seal at the end of every artifact, checked before any parser sees a byte of it.

The last 64 bytes of the file are the lower-case hexadecimal SHA-256 of everything before them. Each format
tucks the seal into a place its own readers allow: a zip file's comment, the last metadata field of an ONNX
model. A flipped, missing or added byte anywhere is found; the seal tells damage, not authorship.

A file is read once, or mapped: what is checked is what is then parsed, whoever replaces the file in between.
"""

from __future__ import annotations

import hashlib
import io
import mmap
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lens_core.errors import DamagedArtifactError, ModelLoadError

SEAL_LENGTH = 64
_SEAL = re.compile(rb"[0-9a-f]{64}")
_START = 4096
"""Bytes by which a pickle is known."""
_BLOCK = 4 * 1024 * 1024
"""Bytes of a mapped file that are looked at before they are let go."""


def seal(content: bytes) -> bytes:
    """``content`` followed by its seal. The format's framing of the seal belongs to ``content``."""
    return content + hashlib.sha256(content).hexdigest().encode()


def seal_file(file: io.BytesIO | io.BufferedRandom) -> None:
    """The same for a file open for reading and writing: all that is in it, then its seal."""
    file.seek(0)
    found = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0, io.SEEK_END)
    file.write(found.encode())


def read_sealed(path: Path, end: bytes = b"") -> bytes:
    """The bytes of a sealed file, checked.

    ``end`` follows the seal in formats that cannot end with it. Raises ModelLoadError (E200) when the file
    cannot be read or was never an artifact of ai-lens, and DamagedArtifactError (E210) when it was but its
    bytes have changed.
    """
    with opened(path) as file:
        if not _ends_with_a_seal(file, end):  # zeros by the gigabyte are not worth reading
            raise _unsealed(path, file)
        content = file.read()
        if not _is_sealed(content, end):
            raise _unsealed(path, file)
    return content


def map_sealed(path: Path) -> mmap.mmap:
    """The same for files too large to be read: checked once, then read from disk where they are looked at.

    A file replaced by another, as everything here writes files, stays what it was for who has it mapped; one
    that is written over in place does not, which no check could prevent. Raises as :func:`read_sealed`.
    """
    with opened(path) as file:
        if not _ends_with_a_seal(file, b""):
            raise _unsealed(path, file)
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if _mapped_digest(content, len(content) - SEAL_LENGTH) != content[-SEAL_LENGTH:]:
            raise _unsealed(path, file)
    return content


def read_seal(path: str | Path) -> str:
    """The seal of a file that has been opened before: its name by content."""
    with opened(Path(path)) as file:
        file.seek(-SEAL_LENGTH, io.SEEK_END)
        return file.read().decode()


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A file to read from. Raises ModelLoadError (E200) where there is none or reading it fails.

    Folders, pipes and devices are refused: one may wait for ever, another never ends.
    """
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind):
            what = "a folder" if stat.S_ISDIR(kind) else "a pipe or a device"
            raise ModelLoadError(f"{path} cannot be read: it is {what}, not a file.")
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise ModelLoadError(f"{path} cannot be read: {error.strerror or error}.") from error


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _ends_with_a_seal(file: BinaryIO, end: bytes) -> bool:
    length = SEAL_LENGTH + len(end)
    size = file.seek(0, io.SEEK_END)
    file.seek(max(size - length, 0))
    last = file.read(length)
    file.seek(0)
    return last.endswith(end) and _SEAL.fullmatch(last, 0, SEAL_LENGTH) is not None


def _is_sealed(content: bytes, end: bytes) -> bool:
    sealed = len(content) - SEAL_LENGTH - len(end)
    found = hashlib.sha256(memoryview(content)[:sealed]).hexdigest().encode()  # large files are not copied
    return content[sealed:] == found + end


def _mapped_digest(content: mmap.mmap, length: int) -> bytes:
    """The seal of the first ``length`` bytes. They are not kept in this process's memory."""
    digest, view = hashlib.sha256(), memoryview(content)
    for start in range(0, length, _BLOCK):
        digest.update(view[start : min(start + _BLOCK, length)])
        if hasattr(content, "madvise"):  # not on Windows
            content.madvise(mmap.MADV_DONTNEED, start, _BLOCK)
    return digest.hexdigest().encode()


def _unsealed(path: Path, file: BinaryIO) -> ModelLoadError | DamagedArtifactError:
    if not file.seek(0, io.SEEK_END):
        return DamagedArtifactError(f"{path} is empty.")
    if _is_pickled(file):
        return ModelLoadError(
            f"{path} is a Python pickle, as torch.save writes it; opening one can run foreign code.",
            "Train with ai-lens, or save the weights as .safetensors and pass them with --weights.",
        )
    return DamagedArtifactError(
        f"{path} is damaged or was not made by ai-lens: its bytes do not match the seal at its end."
    )


def _is_pickled(file: BinaryIO) -> bool:
    """Only to say so plainly; the seal is what protects."""
    file.seek(-1, io.SEEK_END)
    last = file.read(1)
    file.seek(0)
    start = file.read(_START)
    bare = start[:1] == b"\x80" and last == b"."
    return bare or (start[:2] == b"PK" and b"data.pkl" in start)
