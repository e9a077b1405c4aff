"""How an ai-lens model lies in an ONNX or ORT file: what the writer and the reader must agree on.

The network takes ``images`` and gives ``embeddings`` and ``logits``. Documents are metadata entries (see
:mod:`lens_core.artifacts.metadata`). The end of the file is its seal, the SHA-256 of all bytes before it,
where :mod:`lens_core.artifacts.integrity` looks for it: readers of the ORT format ignore what follows the
model; in an ONNX file it is the value of the last metadata entry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from lens_core.artifacts import integrity
from lens_core.artifacts.metadata import to_metadata
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
# Without the prefix of the documents, so that none can have this name.
_SEAL_KEY = b"ai_lens_sha256"


def carrying(model: onnx.ModelProto, documents: Documents) -> onnx.ModelProto:
    """A copy of ``model`` with these documents in its metadata, and nothing else there."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    onnx.helper.set_model_props(copy, to_metadata(documents))
    return copy


def seal(model: bytes) -> bytes:
    """A serialised ModelProto with its seal appended as one more metadata entry.

    Protobuf reads a repeated field's entries wherever they stand, so what follows a message extends it:
    ModelProto.metadata_props is field 14, StringStringEntryProto.key field 1 and .value field 2, all of
    them length-delimited (https://protobuf.dev/programming-guides/encoding/).
    """
    entry = b"\x0a" + bytes([len(_SEAL_KEY)]) + _SEAL_KEY + b"\x12" + bytes([integrity.SEAL_LENGTH])
    return integrity.seal(model + b"\x72" + bytes([len(entry) + integrity.SEAL_LENGTH]) + entry)
