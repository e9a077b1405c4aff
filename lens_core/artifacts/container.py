"""The file behind ``.ckpt`` and ``.index``: a sealed zip of JSON and safetensors. Never a pickle.

The members are stored, not compressed, with fixed dates, so the same content makes the same bytes. Any zip
tool opens it; the seal (see :mod:`lens_core.artifacts.integrity`) is the zip's comment.
"""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from lens_core.artifacts.atomic import atomic_write
from lens_core.artifacts.integrity import SEAL_LENGTH, opened, read_sealed, seal
from lens_core.errors import ModelLoadError

_COMMENT = b"ai-lens sha256:"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_BROKEN_ZIP = (zipfile.BadZipFile, EOFError, RuntimeError, ValueError)
"""What zipfile raises, depending on where a directory of members is wrong."""


def pack(documents: Mapping[str, bytes]) -> bytes:
    """The sealed zip holding these named documents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in documents.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)
        archive.comment = _COMMENT + b"0" * SEAL_LENGTH
    return seal(buffer.getvalue()[:-SEAL_LENGTH])


def write(path: Path, documents: Mapping[str, bytes]) -> None:
    """Write the documents to ``path``, whole or not at all."""
    atomic_write(path, pack(documents))


def read(path: Path) -> dict[str, bytes]:
    """The documents in ``path``. Raises ModelLoadError (E200) or DamagedArtifactError (E210)."""
    content = read_sealed(path)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _refuse_bombs(archive, len(content), path)
            return {name: archive.read(name) for name in archive.namelist()}
    except _BROKEN_ZIP as error:
        raise ModelLoadError(f"{path} is no ai-lens file of this kind: {error}.") from error


def peek(path: Path, name: str) -> bytes:
    """One document, read alone and without its seal: to list files by, never to answer from.

    Raises ModelLoadError (E200).
    """
    try:
        with opened(path) as file, zipfile.ZipFile(file) as archive:
            _refuse_bombs(archive, file.seek(0, io.SEEK_END), path)
            return archive.read(name)
    except (KeyError, *_BROKEN_ZIP) as error:
        raise ModelLoadError(f"{path} cannot be read: {error}.") from error


def _refuse_bombs(archive: zipfile.ZipFile, size: int, path: Path) -> None:
    """Members are stored as they are, so together they cannot be larger than the file."""
    members = archive.infolist()
    stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
    if not stored or sum(member.file_size for member in members) > size:
        raise ModelLoadError(f"{path} is no ai-lens file of this kind: its members are compressed.")
