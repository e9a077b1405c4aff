"""How an ai-lens model lies in a TorchScript file: what the writer and the reader must agree on.

A TorchScript file is a zip. Documents lie in it as ``extra/<name>``, where torch.jit's ``_extra_files`` looks
for them, and the seal is the zip's comment (see :mod:`lens_core.artifacts.container`).
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

from lens_core.artifacts import container

SUFFIX = ".pt"
SIZE = "photo_size"
"""The buffer that holds the side of the photos, in pixels: int64[]."""
_EXTRA = "/extra/"
_DEBUG = ".debug_pkl"


def seal(script: bytes) -> bytes:
    """What torch.jit.save wrote, as a sealed zip.

    Left out is what only debuggers read: it names source files of the machine that exports. Pickles come
    last: a zip that begins with one is a foreign checkpoint to :mod:`lens_core.artifacts.integrity`, and a
    damaged export should not be called that.
    """
    members = _members(script)
    kept = [name for name in members if not name.endswith(_DEBUG)]
    return container.pack({name: members[name] for name in sorted(kept, key=_place)})


def documents(script: bytes) -> dict[str, bytes]:
    """The documents inside. Raises BadZipFile for what is no zip."""
    members = _members(script)
    return {name.partition(_EXTRA)[2]: content for name, content in members.items() if _EXTRA in name}


@contextmanager
def quiet() -> Iterator[None]:
    """Every call of torch.jit warns that TorchScript is deprecated; the README says so once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _members(script: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(script)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _place(name: str) -> tuple[bool, bool, str]:
    """Documents, then the rest, then pickles, each by name."""
    return name.endswith(".pkl"), _EXTRA not in name, name
