"""How an ai-lens model lies in an ONNX or ORT file: what the writer and the reader must agree on.

The network takes ``images`` and gives ``embeddings`` and ``logits``. Documents are metadata entries
``ai_lens.<name>`` in base64. The end of the file is its seal, the SHA-256 of all bytes before it, where
:mod:`lens_core.artifacts.integrity` looks for it: readers of the ORT format ignore what follows the model; in
an ONNX file it is the value of the last metadata entry.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from attrs import frozen

from lens_core.artifacts import integrity
from lens_core.contracts import Documents

if TYPE_CHECKING:
    import onnx


@frozen
class Format:
    """One of the two kinds of file that ONNX Runtime opens."""

    suffix: str
    library_name: str
    """As ONNX Runtime's session options call it."""


ONNX = Format(".onnx", "ONNX")
ORT = Format(".ort", "ORT")
INPUT = "images"
OUTPUTS = ["embeddings", "logits"]
_PREFIX = "ai_lens."
# Without the prefix of the documents, so that none can have this name.
_SEAL_KEY = b"ai_lens_sha256"


def carrying(model: onnx.ModelProto, documents: Documents) -> onnx.ModelProto:
    """A copy of ``model`` with these documents in its metadata, and nothing else there."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    encoded = {_PREFIX + name: base64.b64encode(content).decode() for name, content in documents.items()}
    onnx.helper.set_model_props(copy, encoded)
    return copy


def to_documents(metadata: dict[str, str]) -> dict[str, bytes]:
    """The documents among a model's metadata. Raises ValueError where one is not base64."""
    names = [key for key in metadata if key.startswith(_PREFIX)]
    return {key.removeprefix(_PREFIX): base64.b64decode(metadata[key], validate=True) for key in names}


def seal(model: bytes) -> bytes:
    """A serialised ModelProto with its seal appended as one more metadata entry.

    Protobuf reads a repeated field's entries wherever they stand, so what follows a message extends it:
    ModelProto.metadata_props is field 14, StringStringEntryProto.key field 1 and .value field 2, all of
    them length-delimited (https://protobuf.dev/programming-guides/encoding/).
    """
    entry = b"\x0a" + bytes([len(_SEAL_KEY)]) + _SEAL_KEY + b"\x12" + bytes([integrity.SEAL_LENGTH])
    return integrity.seal(model + b"\x72" + bytes([len(entry) + integrity.SEAL_LENGTH]) + entry)
