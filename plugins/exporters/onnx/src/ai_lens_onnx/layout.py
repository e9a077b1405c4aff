"""How an ai-lens model lies in an ONNX file: what the writer and the reader must agree on.

The network takes ``images`` and gives ``embeddings`` and ``logits``. Documents are metadata entries
``ai_lens.<name>`` in base64. The last metadata entry is the seal: its value, the SHA-256 of all bytes before
it, is also the end of the file, where :mod:`lens_core.artifacts.integrity` looks for it.
"""

import base64

from lens_core.artifacts import integrity
from lens_core.contracts import Documents

SUFFIX = ".onnx"
INPUT = "images"
OUTPUTS = ["embeddings", "logits"]
_PREFIX = "ai_lens."
_SEAL_KEY = b"ai_lens.sha256"


def to_metadata(documents: Documents) -> dict[str, str]:
    return {_PREFIX + name: base64.b64encode(content).decode() for name, content in documents.items()}


def to_documents(metadata: dict[str, str]) -> dict[str, bytes]:
    """The documents among a model's metadata. Raises ValueError where one is not base64."""
    names = [key for key in metadata if key.startswith(_PREFIX) and key != _SEAL_KEY.decode()]
    return {key.removeprefix(_PREFIX): base64.b64decode(metadata[key], validate=True) for key in names}


def seal(model: bytes) -> bytes:
    """A serialised ModelProto with its seal appended as one more metadata entry.

    Protobuf reads a repeated field's entries wherever they stand, so what follows a message extends it:
    ModelProto.metadata_props is field 14, StringStringEntryProto.key field 1 and .value field 2, all of
    them length-delimited (https://protobuf.dev/programming-guides/encoding/).
    """
    entry = b"\x0a" + bytes([len(_SEAL_KEY)]) + _SEAL_KEY + b"\x12" + bytes([integrity.SEAL_LENGTH])
    return integrity.seal(model + b"\x72" + bytes([len(entry) + integrity.SEAL_LENGTH]) + entry)
