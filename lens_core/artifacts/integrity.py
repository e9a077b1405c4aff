"""A seal at the end of every artifact, checked before any parser sees a byte of it.

The last 64 bytes of the file are the lower-case hexadecimal SHA-256 of everything before them. Each format
tucks the seal into a place its own readers allow: a zip file's comment, the last metadata field of an ONNX
model. A flipped, missing or added byte anywhere is found; the seal tells damage, not authorship.
"""

import hashlib
import os
from pathlib import Path

from lens_core.errors import DamagedArtifactError, ModelLoadError

SEAL_LENGTH = 64


def seal(content: bytes) -> bytes:
    """``content`` followed by its seal. The format's framing of the seal belongs to ``content``."""
    return content + hashlib.sha256(content).hexdigest().encode()


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
    body, found = content[:-SEAL_LENGTH], content[-SEAL_LENGTH:]
    if hashlib.sha256(body).hexdigest().encode() != found:
        if _is_pickled(content):
            raise ModelLoadError(
                f"{path} is a Python pickle, as torch.save writes it; opening one can run foreign code.",
                "Train with ai-lens, or save the weights as .safetensors and pass them with --weights.",
            )
        raise DamagedArtifactError(
            f"{path} is damaged or was not made by ai-lens: its bytes do not match the seal at its end."
        )
    return content


def read_seal(path: str | Path) -> str:
    """The seal of a file that has been opened before: its name by content."""
    with Path(path).open("rb") as file:
        file.seek(-SEAL_LENGTH, os.SEEK_END)
        return file.read().decode()


def _is_pickled(content: bytes) -> bool:
    """Only to say so plainly; the seal is what protects."""
    bare = content[:1] == b"\x80" and content[-1:] == b"."
    return bare or (content[:2] == b"PK" and b"data.pkl" in content[:4096])


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
