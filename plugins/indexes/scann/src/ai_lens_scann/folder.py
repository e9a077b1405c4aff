"""ScaNN saves a folder; an index is one file. The folder's files travel in ai-lens' own sealed zip."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lens_core.errors import ModelLoadError

_ASSETS = "scann_assets.pbtxt"
_NAMES = re.compile(r"[a-z0-9_]+\.(npy|pb|pbtxt)")
"""Not ``scann_docids.pkl``: ScaNN would unpickle it, which runs whatever is in it."""
_LIST = re.compile(r'(assets \{\n  asset_type: [A-Z_]+\n  asset_path: "[a-z0-9_]+\.(npy|pb)"\n\}\n)+')
"""How ScaNN writes the list of its files. Protobuf text has many more ways to name a path: none is read."""


def packed(searcher: Any) -> dict[str, bytes]:
    """The files that ScaNN writes, by name."""
    with tempfile.TemporaryDirectory(prefix="ai-lens-") as folder:
        searcher.serialize(folder, relative_path=True)
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def unpacked(library: Any, files: Mapping[str, bytes], path: Path) -> Any:
    """The searcher in these files. ScaNN reads them into memory, so the folder need not stay.

    Raises ModelLoadError (E200) for files that are not ScaNN's.
    """
    _refuse_strangers(files, path)
    with tempfile.TemporaryDirectory(prefix="ai-lens-") as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        try:
            return library.load_searcher(folder)
        except (RuntimeError, ValueError) as error:
            raise ModelLoadError(f"{path} holds no index that this ScaNN reads: {error}.") from error


def _refuse_strangers(files: Mapping[str, bytes], path: Path) -> None:
    """Neither a file nor what ScaNN is told to open may lie outside the folder."""
    assets = files.get(_ASSETS, b"").decode(errors="replace")
    told = re.findall(r'asset_path: "([^"]*)"', assets)
    strangers = [name for name in (*files, *told) if not _NAMES.fullmatch(name)]
    # The whole text must be of this one form: protobuf has many ways to write a path.
    if strangers or not _LIST.fullmatch(assets) or not set(told) <= set(files):
        raise ModelLoadError(f"{path} is not a ScaNN index as ai-lens saves it.")
