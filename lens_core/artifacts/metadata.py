"""Documents as text, for formats whose metadata is text: entries ``ai_lens.<name>``, in base64."""

import base64
from collections.abc import Mapping

from lens_core.contracts import Documents

_PREFIX = "ai_lens."


def to_metadata(documents: Documents) -> dict[str, str]:
    """What to put into the file's metadata."""
    return {_PREFIX + name: base64.b64encode(content).decode() for name, content in documents.items()}


def to_documents(metadata: Mapping[str, str]) -> dict[str, bytes]:
    """The documents among a file's metadata. Raises ValueError where one is not base64."""
    names = [key for key in metadata if key.startswith(_PREFIX)]
    return {key.removeprefix(_PREFIX): base64.b64decode(metadata[key], validate=True) for key in names}
