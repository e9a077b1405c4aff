"""The folder that is a Core ML package, and the seal that tells whether a byte of it has changed.

The seal is the file ``ai-lens.sha256`` at the top of the package, where coremltools ignores it. It
lists the SHA-256 of every other file, as ``sha256sum`` does, and ends with that of the list itself.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from pathlib import Path

from lens_core.artifacts import integrity
from lens_core.errors import DamagedArtifactError, ModelLoadError

SEAL = "ai-lens.sha256"
MODEL = "Data/com.apple.CoreML/model.mlmodel"
WEIGHTS = "Data/com.apple.CoreML/weights"
_AUTHOR = "com.apple.CoreML"


def write(path: Path, specification: bytes, weights: Path) -> None:
    """Write a package with this model and a copy of the folder ``weights``. Same content, same bytes."""
    (path / MODEL).parent.mkdir(parents=True)
    (path / MODEL).write_bytes(specification)
    shutil.copytree(weights, path / WEIGHTS)
    (path / "Manifest.json").write_text(_manifest(), encoding="utf-8")
    (path / SEAL).write_bytes(integrity.seal(_listing(path)))


def read(path: Path) -> bytes:
    """The model's specification, after every byte of the package was checked.

    Raises ModelLoadError (E200) when it cannot be read, DamagedArtifactError (E210) when a file was changed,
    added or is missing.
    """
    check(path)
    return (path / MODEL).read_bytes()


def check(path: Path) -> None:
    """Raises ModelLoadError (E200) or DamagedArtifactError (E210) as :func:`read` does."""
    if not path.is_dir():
        raise ModelLoadError(f"{path} is not a folder, as Core ML packages are.")
    try:
        if not (path / SEAL).is_file():
            raise DamagedArtifactError(f"{path} is incomplete or was not made by ai-lens: it has no {SEAL}.")
        expected = integrity.read_sealed(path / SEAL)[: -integrity.SEAL_LENGTH]
        found = _listing(path)
    except OSError as error:
        raise ModelLoadError(f"{path} cannot be read: {error.strerror or error}.") from error
    if found != expected:
        raise DamagedArtifactError(f"{path} is damaged: {_difference(expected, found)}.")


def _listing(path: Path) -> bytes:
    entries = (entry for entry in path.rglob("*") if entry.is_symlink() or not entry.is_dir())
    files = {entry.relative_to(path).as_posix(): entry for entry in entries}
    files.pop(SEAL, None)
    lines = "".join(f"{_sha256(file)}  {name}\n" for name, file in sorted(files.items()))
    return lines.encode(errors="surrogateescape")  # names that are not UTF-8, as old archives have them


def _sha256(file: Path) -> str:
    if file.is_symlink() or not file.is_file():
        return "a link or pipe"  # never followed, nor read from
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _difference(expected: bytes, found: bytes) -> str:
    """The first file that differs, and how."""
    before, after = _by_name(expected), _by_name(found)
    differing = (name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    name = min(differing, default=SEAL)
    how = "is missing" if name not in after else "was added" if name not in before else "has changed"
    return f"its file {name} {how}"


def _by_name(listing: bytes) -> dict[str, str]:
    lines = (line.partition("  ") for line in listing.decode(errors="backslashreplace").splitlines())
    return {name: sha256 for sha256, _, name in lines}


def _manifest() -> str:
    """What coremltools writes, and rewrites whenever it opens a package, but with identifiers that stay."""
    entries = {
        _identifier(name): {"author": _AUTHOR, "description": text, "name": name, "path": f"{_AUTHOR}/{name}"}
        for name, text in (
            ("model.mlmodel", "CoreML Model Specification"),
            ("weights", "CoreML Model Weights"),
        )
    }
    root = _identifier("model.mlmodel")
    manifest = {"fileFormatVersion": "1.0.0", "itemInfoEntries": entries, "rootModelIdentifier": root}
    return json.dumps(manifest, indent=4, sort_keys=True) + "\n"


def _identifier(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{_AUTHOR}/{name}"))
