"""The file behind ``.ckpt`` and ``.index``: a sealed zip of JSON and safetensors. Never a pickle.

The members are stored, not compressed, with fixed dates, so the same content makes the same bytes, and each
begins where an array may begin, so it can be looked at in the file as it lies there. Any zip tool opens it;
the seal (see :mod:`lens_core.artifacts.integrity`) is the zip's comment.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from mmap import mmap
from pathlib import Path
from typing import IO, cast

import numpy as np

from lens_core.artifacts import integrity
from lens_core.artifacts.atomic import atomic_path
from lens_core.artifacts.integrity import SEAL_LENGTH, opened, read_sealed
from lens_core.contracts import Pixels
from lens_core.errors import ModelLoadError

Content = bytes | Sequence[bytes | memoryview]
"""Of a document: its bytes, or its parts one after the other."""

_COMMENT = b"ai-lens sha256:"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_NO_ZIP = (zipfile.BadZipFile, EOFError, RuntimeError, ValueError, struct.error)
"""What zipfile raises, depending on where a directory of members is wrong."""
_ALIGNMENT = 64
"""Bytes: a line of the processor's cache, as in numpy's own files."""
_HEADER = struct.Struct("<26x2H")
"""What stands before a member: its name and an extra field, of these lengths, follow (APPNOTE.TXT, 4.3.7)."""
_LARGE = struct.calcsize("<HHQQ")
"""Bytes that zipfile adds to the extra field of a member that is larger than 2 GiB."""
_PADDING = struct.Struct("<HHH")
"""An extra field as Android's zipalign writes it: 0xD935, its length, the alignment, then zeros."""


def pack(documents: Mapping[str, Content]) -> bytes:
    """The sealed zip holding these named documents."""
    buffer = io.BytesIO()
    _write(buffer, documents)
    return buffer.getvalue()


def write(path: Path, documents: Mapping[str, Content]) -> None:
    """Write the documents to ``path``, whole or not at all; none of them is copied in memory."""
    with atomic_path(path) as temporary, temporary.open("w+b") as file:
        _write(file, documents)


def read(path: Path) -> dict[str, bytes]:
    """The documents in ``path``. Raises ModelLoadError (E200) or DamagedArtifactError (E210)."""
    content = read_sealed(path)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _refuse_bombs(archive, len(content), path)
            return {name: archive.read(name) for name in archive.namelist()}
    except _NO_ZIP as error:
        raise _no_container(path, error) from error


def mapped(path: Path) -> dict[str, Pixels]:
    """The same documents as they lie in the file, which is mapped: uint8[size] each, not to be written to.

    Raises as :func:`read`, and checks as much.
    """
    content = integrity.map_sealed(path)
    try:
        with zipfile.ZipFile(cast("IO[bytes]", content)) as archive:
            _refuse_bombs(archive, len(content), path)
            return {member.filename: _lying(content, member) for member in archive.infolist()}
    except _NO_ZIP as error:
        raise _no_container(path, error) from error


def peek(path: Path, name: str) -> bytes:
    """One document, read alone and without its seal: to list files by, never to answer from.

    Raises ModelLoadError (E200).
    """
    try:
        with opened(path) as file, zipfile.ZipFile(file) as archive:
            _refuse_bombs(archive, file.seek(0, io.SEEK_END), path)
            return archive.read(name)
    except (KeyError, *_NO_ZIP) as error:
        raise ModelLoadError(f"{path} cannot be read: {error}.") from error


def _write(file: io.BytesIO | io.BufferedRandom, documents: Mapping[str, Content]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in documents.items():
            _add(archive, file.tell(), name, [content] if isinstance(content, bytes) else content)
        archive.comment = _COMMENT + b"0" * SEAL_LENGTH
    file.seek(-SEAL_LENGTH, io.SEEK_END)
    file.truncate()
    integrity.seal_file(file)


def _add(archive: zipfile.ZipFile, position: int, name: str, parts: Sequence[bytes | memoryview]) -> None:
    large = sum(memoryview(part).nbytes for part in parts) > zipfile.ZIP64_LIMIT
    before = position + _HEADER.size + len(name.encode()) + large * _LARGE + _PADDING.size
    info = zipfile.ZipInfo(name, _EPOCH)
    info.extra = _padding(-before % _ALIGNMENT)
    with archive.open(info, "w", force_zip64=large) as member:
        for part in parts:
            member.write(part)


def _padding(zeros: int) -> bytes:
    return _PADDING.pack(0xD935, 2 + zeros, _ALIGNMENT) + bytes(zeros)


def _lying(content: mmap, member: zipfile.ZipInfo) -> Pixels:
    """The bytes of a member, in the mapping."""
    name, extra = _HEADER.unpack_from(content, member.header_offset)
    start = member.header_offset + _HEADER.size + name + extra
    return np.frombuffer(content, np.uint8, member.file_size, start)


def _refuse_bombs(archive: zipfile.ZipFile, size: int, path: Path) -> None:
    """Members are stored as they are, so together they cannot be larger than the file."""
    members = archive.infolist()
    stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
    if not stored or sum(member.file_size for member in members) > size:
        raise ModelLoadError(f"{path} is no ai-lens file of this kind: its members are compressed.")


def _no_container(path: Path, error: Exception) -> ModelLoadError:
    return ModelLoadError(f"{path} is no ai-lens file of this kind: {error}.")
