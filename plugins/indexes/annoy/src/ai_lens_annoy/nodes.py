"""The one thing that Annoy's format lacks: knowing whether a file is one, and of which vectors.

An Annoy file is an array of nodes without a header. Opened as vectors of another length, or cut short, it
ends the process or answers nonsense. Each node has 12 bytes before its vector (``annoylib.h`` of Annoy 1.17,
struct ``Angular::Node``), and those of the first node leave 4 unused: ai-lens writes the number of nodes
there. The file stays one that Annoy itself opens.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lens_core.contracts import Pixels
from lens_core.errors import DamagedArtifactError, WrongGalleryError

_BEFORE_VECTOR = 12
_UNUSED = slice(8, 12)
_SAMPLE = 64


def mark(path: Path, dim: int) -> None:
    """Write the number of nodes into a file that Annoy has just saved."""
    nodes = path.stat().st_size // (_BEFORE_VECTOR + 4 * dim)
    with path.open("r+b") as file:
        file.seek(_UNUSED.start)
        file.write(nodes.to_bytes(4, "little"))


def check(content: Pixels, path: Path, dim: int) -> None:
    """Raises DamagedArtifactError (E210) for no index, WrongGalleryError (E220) for other vectors."""
    found = _vector_length(content)
    if found is None:
        raise DamagedArtifactError(f"{path} is damaged or is not an Annoy index that ai-lens saved.")
    if found != dim:
        raise WrongGalleryError(f"{path} holds vectors of {found} numbers, but this model makes {dim}.")


def _vector_length(content: Pixels) -> int | None:
    """How many numbers each vector has; None where these bytes are no whole index."""
    count = int.from_bytes(content[_UNUSED].tobytes(), "little")
    if not count or content.size % count:
        return None
    dim, rest = divmod(content.size // count - _BEFORE_VECTOR, 4)
    return dim if dim > 0 and not rest and _are_nodes(content, dim) else None


def _are_nodes(content: Pixels, dim: int) -> bool:
    """Whether some of the vectors look like it: below each is only itself, and its squared length is right.

    The last node is a root, and knows how many vectors there are; they come first in the file.
    """
    nodes = content.view([("below", "<i4"), ("square", "<f4"), ("unused", "<i4"), ("vector", "<f4", (dim,))])
    count = int(nodes["below"][-1])
    if not 0 <= count < len(nodes):
        return False
    some = nodes[np.linspace(0, count, min(count, _SAMPLE), endpoint=False, dtype=np.int64)]
    with np.errstate(all="ignore"):  # the bytes may be anything
        squares = np.square(some["vector"]).sum(axis=1)
        return bool((some["below"] == 1).all() and np.allclose(some["square"], squares, rtol=1e-4))
