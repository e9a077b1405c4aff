"""A seal at the end of every artifact, checked before any parser sees a byte of it.

The last 64 bytes of the file are the lower-case hexadecimal SHA-256 of everything before them. Each format
tucks the seal into a place its own readers allow: a zip file's comment, the last metadata field of an ONNX
model. A flipped, missing or added byte anywhere is found; the seal tells damage, not authorship.
"""

from __future__ import annotations

import hashlib
import io
import mmap
from pathlib import Path

from lens_core.errors import ArtifactError, DamagedArtifactError, ModelLoadError

SEAL_LENGTH = 64
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


def read_sealed(path: Path) -> bytes:
    """The bytes of a sealed file, checked.

    Raises ModelLoadError (E200) when the file cannot be read or was never an artifact of ai-lens, and
    DamagedArtifactError (E210) when it was but its bytes have changed.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelLoadError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not content:
        raise DamagedArtifactError(f"{path} is empty.")
    found = hashlib.sha256(memoryview(content)[:-SEAL_LENGTH]).hexdigest().encode()
    if found != content[-SEAL_LENGTH:]:
        raise _refusal(content, path)
    return content


def read_seal(path: str | Path) -> str:
    """The seal of a file that has been opened before: its name by content."""
    with Path(path).open("rb") as file:
        file.seek(-SEAL_LENGTH, io.SEEK_END)
        return file.read().decode()


def map_sealed(path: Path) -> mmap.mmap:
    """The same for files too large to be read: checked once, then read from disk where they are looked at.

    A file replaced by another, as everything here writes files, stays what it was for who has it mapped; one
    that is written over in place does not, which no check could prevent. Raises as :func:`read_sealed`.
    """
    try:
        with path.open("rb") as file:
            if not file.seek(0, io.SEEK_END):
                raise DamagedArtifactError(f"{path} is empty.")
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise ModelLoadError(f"{path} cannot be read: {error.strerror or error}.") from error
    if _mapped_digest(content, len(content) - SEAL_LENGTH) != content[-SEAL_LENGTH:]:
        raise _refusal(content, path)
    return content


def _mapped_digest(content: mmap.mmap, length: int) -> bytes:
    """The seal of the first ``length`` bytes. They are not kept in this process's memory."""
    digest, view = hashlib.sha256(), memoryview(content)
    for start in range(0, length, _BLOCK):
        digest.update(view[start : min(start + _BLOCK, length)])
        if hasattr(content, "madvise"):  # not on Windows
            content.madvise(mmap.MADV_DONTNEED, start, _BLOCK)
    return digest.hexdigest().encode()


def _refusal(content: bytes | mmap.mmap, path: Path) -> ArtifactError:
    if _is_pickled(content):
        return ModelLoadError(
            f"{path} is a Python pickle, as torch.save writes it; opening one can run foreign code.",
            "Train with ai-lens, or save the weights as .safetensors and pass them with --weights.",
        )
    return DamagedArtifactError(
        f"{path} is damaged or was not made by ai-lens: its bytes do not match the seal at its end."
    )


def _is_pickled(content: bytes | mmap.mmap) -> bool:
    """Only to say so plainly; the seal is what protects."""
    bare = content[:1] == b"\x80" and content[-1:] == b"."
    return bare or (content[:2] == b"PK" and b"data.pkl" in content[:4096])


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
