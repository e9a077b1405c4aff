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
    told = re.findall(r'asset_path:\s*"([^"]*)"', files.get(_ASSETS, b"").decode(errors="replace"))
    strangers = [name for name in (*files, *told) if not _NAMES.fullmatch(name)]
    if strangers or _ASSETS not in files or not set(told) <= set(files):
        raise ModelLoadError(f"{path} is not a ScaNN index as ai-lens saves it.")
