"""How an ai-lens model lies in OpenVINO's two files: what the writer and the reader must agree on.

``best.xml`` holds the network's structure and the documents, ``best.bin`` its weights. Documents are entries
of the XML's ``rt_info``, in base64. The last line of the XML is the seal, a comment::

    <!-- ai-lens weights:<size of best.bin>:<its SHA-256> sha256:<SHA-256 of all bytes before this number> -->

A comment is the only thing that XML allows at its end, so the seal proper is not the file's last bytes, where
:mod:`lens_core.artifacts.integrity` has it elsewhere; the comment's end follows it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from os import SEEK_END
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
_SEAL = re.compile(rb"<!-- ai-lens weights:(\d+):([0-9a-f]{64}) sha256:[0-9a-f]{64} -->\n")
_SEAL_END = b" -->\n"

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
    weights = path.with_suffix(WEIGHTS_SUFFIX).read_bytes()
    opening = f"<!-- ai-lens weights:{len(weights)}:{integrity.sha256(weights)} sha256:".encode()
    path.write_bytes(integrity.seal(path.read_bytes() + opening) + _SEAL_END)


def read(path: Path) -> tuple[bytes, Bytes]:
    """The XML and the weights beside it (for OpenVINO to use in place), both checked.

    Raises ModelLoadError (E200) when one cannot be read, DamagedArtifactError (E210) when bytes have changed,
    or the weights are missing or those of another export.
    """
    xml = integrity.read_sealed(path, end=_SEAL_END)
    found = _SEAL.fullmatch(xml, xml.rfind(b"<!--"))
    if found is None:
        raise ModelLoadError(f"{path} is an OpenVINO file, but not one that ai-lens exported.")
    beside = path.with_suffix(WEIGHTS_SUFFIX)
    both = f"Copy both files, {path.name} and {beside.name}, from where they were made."
    if not beside.exists():
        raise DamagedArtifactError(f"{beside} is missing; it holds the weights of {path.name}.", both)
    weights = _read_as_sealed(beside, size=int(found[1]), sha256=found[2].decode())
    if weights is None:
        raise DamagedArtifactError(f"{beside} is damaged or not the one that belongs to {path.name}.", both)
    return xml, weights


def _read_as_sealed(path: Path, size: int, sha256: str) -> Bytes | None:
    """The bytes of a file, None unless they are those that were sealed. Another size is not even read."""
    with integrity.opened(path) as file:
        if file.seek(0, SEEK_END) != size:
            return None
        file.seek(0)
        content = np.fromfile(file, np.uint8)
    return content if hashlib.sha256(content.data).hexdigest() == sha256 else None
