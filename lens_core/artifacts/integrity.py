"""A seal at the end of every artifact, checked before any parser sees a byte of it.

The last 64 bytes of the file are the lower-case hexadecimal SHA-256 of everything before them. Each format
tucks the seal into a place its own readers allow: a zip file's comment, the last metadata field of an ONNX
model. A flipped, missing or added byte anywhere is found; the seal tells damage, not authorship.
"""

from __future__ import annotations

import hashlib
import io
from mmap import ACCESS_READ, mmap
from pathlib import Path

from lens_core.errors import ArtifactError, DamagedArtifactError, ModelLoadError

Binary = io.RawIOBase | io.BufferedIOBase
"""A file open for bytes."""
SEAL_LENGTH = 64
_BLOCK = 256 * 1024
"""Bytes hashed at a time: few enough to stay in the processor's cache."""


def seal(content: bytes) -> bytes:
    """``content`` followed by its seal. The format's framing of the seal belongs to ``content``."""
    return content + hashlib.sha256(content).hexdigest().encode()


def seal_file(file: Binary) -> None:
    """The same for a file open for reading and writing: all that is in it, then its seal."""
    length = file.seek(0, 2)
    file.seek(0)
    found = _digest(file, length)
    file.write(found)


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


def map_sealed(path: Path) -> mmap:
    """The same for files too large to be read: checked once, then read from disk where they are looked at.

    The check reads through the same open file instead of the mapping, so that its pages are not counted as
    this process's memory. A file replaced by another, as everything here writes files, stays what it was for
    who has it mapped; one that is written over in place does not, which no check could prevent. Raises as
    :func:`read_sealed`.
    """
    try:
        with path.open("rb", buffering=0) as file:
            length = file.seek(0, 2)
            if not length:
                raise DamagedArtifactError(f"{path} is empty.")
            content = mmap(file.fileno(), length, access=ACCESS_READ)
            file.seek(0)
            found = _digest(file, length - SEAL_LENGTH)
    except OSError as error:
        raise ModelLoadError(f"{path} cannot be read: {error.strerror or error}.") from error
    if found != content[-SEAL_LENGTH:]:
        raise _refusal(content, path)
    return content


def _digest(file: Binary, length: int) -> bytes:
    """The seal of the next ``length`` bytes, or of all that is left."""
    digest, block = hashlib.sha256(), memoryview(bytearray(_BLOCK))
    while length > 0 and (count := file.readinto(block[: min(length, _BLOCK)])):
        digest.update(block[:count])
        length -= count
    return digest.hexdigest().encode()


def _refusal(content: bytes | mmap, path: Path) -> ArtifactError:
    if _is_pickled(content):
        return ModelLoadError(
            f"{path} is a Python pickle, as torch.save writes it; opening one can run foreign code.",
            "Train with ai-lens, or save the weights as .safetensors and pass them with --weights.",
        )
    return DamagedArtifactError(
        f"{path} is damaged or was not made by ai-lens: its bytes do not match the seal at its end."
    )


def _is_pickled(content: bytes | mmap) -> bool:
    """Only to say so plainly; the seal is what protects."""
    bare = content[:1] == b"\x80" and content[-1:] == b"."
    return bare or (content[:2] == b"PK" and b"data.pkl" in content[:4096])


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
