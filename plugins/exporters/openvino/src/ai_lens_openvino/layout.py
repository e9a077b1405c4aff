"""How an ai-lens model lies in OpenVINO's two files: what the writer and the reader must agree on.

``best.xml`` holds the network's structure and the documents, ``best.bin`` its weights. Documents are entries
of the XML's ``rt_info``, in base64. The last line of the XML is the seal, a comment::

    <!-- ai-lens weights:<SHA-256 of best.bin> sha256:<SHA-256 of all bytes before this number> -->

A comment is the only thing that XML allows at its end, so the seal cannot be the file's last bytes, where
:mod:`lens_core.artifacts.integrity` looks for it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lens_core.artifacts import integrity
from lens_core.contracts import Documents
from lens_core.errors import DamagedArtifactError, ModelLoadError

SUFFIX = ".xml"
WEIGHTS_SUFFIX = ".bin"
INPUT = "images"
OUTPUTS = ["embeddings", "logits"]
_INFO = "ai_lens"
_SEAL = re.compile(rb"<!-- ai-lens weights:([0-9a-f]{64}) sha256:[0-9a-f]{64} -->\n")
_SEAL_END = b" -->\n"
_SEAL_LENGTH = 162
"""Bytes of the whole comment."""

Bytes = NDArray[np.uint8]
"""uint8[number of bytes]."""


def put_documents(model: Any, documents: Documents) -> None:
    """Put documents into an openvino.Model."""
    for name, content in documents.items():
        model.set_rt_info(base64.b64encode(content).decode(), [_INFO, name])


def documents(model: Any) -> dict[str, bytes]:
    """The documents in an openvino.Model. Raises ValueError where one is not base64."""
    if not model.has_rt_info([_INFO]):
        return {}
    entries = model.get_rt_info([_INFO]).value
    return {name: base64.b64decode(text, validate=True) for name, text in entries.items()}


def seal(path: Path) -> None:
    """Bind the XML that OpenVINO has written to the weights beside it."""
    weights = integrity.sha256(path.with_suffix(WEIGHTS_SUFFIX).read_bytes())
    opening = f"<!-- ai-lens weights:{weights} sha256:".encode()
    path.write_bytes(integrity.seal(path.read_bytes() + opening) + _SEAL_END)


def read(path: Path) -> tuple[bytes, Bytes]:
    """The XML and the weights beside it (for OpenVINO to use in place), both checked.

    Raises ModelLoadError (E200) when one cannot be read, DamagedArtifactError (E210) when bytes have changed,
    or the weights are missing or those of another export.
    """
    xml = _content(path).tobytes()
    expected = _weights_hash(path, xml)
    beside = path.with_suffix(WEIGHTS_SUFFIX)
    both = f"Copy both files, {path.name} and {beside.name}, from where they were made."
    if not beside.exists():
        raise DamagedArtifactError(f"{beside} is missing; it holds the weights of {path.name}.", both)
    weights = _content(beside)
    if hashlib.sha256(weights.data).hexdigest() != expected:
        raise DamagedArtifactError(f"{beside} is damaged or not the one that belongs to {path.name}.", both)
    return xml, weights


def _weights_hash(path: Path, xml: bytes) -> str:
    """The hash of the weights that the seal names. Raises DamagedArtifactError (E210) where it is broken."""
    found = _SEAL.fullmatch(xml[-_SEAL_LENGTH:])
    body = xml[: -len(_SEAL_END) - integrity.SEAL_LENGTH]
    if found is None or integrity.seal(body) + _SEAL_END != xml:
        raise DamagedArtifactError(
            f"{path} is damaged or was not made by ai-lens: its bytes do not match the seal at its end."
        )
    return found[1].decode()


def _content(path: Path) -> Bytes:
    try:
        return np.fromfile(path, np.uint8)
    except OSError as error:
        raise ModelLoadError(f"{path} cannot be read: {error.strerror or error}.") from error
