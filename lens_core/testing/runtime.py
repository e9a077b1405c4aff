"""The contract of a runtime: lens_core.contracts.Runtime."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from lens_core import plugins
from lens_core.contracts import Runtime
from lens_core.errors import LensError
from lens_core.runtime.lens import open_runtime
from lens_core.testing.asking import same_bytes
from lens_core.testing.opened import OpenedContract


class RuntimeContract(OpenedContract):
    """Subclass it, set ``name``, and say where a file comes from unless an installed exporter writes one.

    Define ``make_file(self, folder)``, which writes one and returns its path, or set ``file`` to a path.
    """

    family: ClassVar[str] = "runtime"
    file: ClassVar[str | Path | None] = None
    """A file of this format, where :meth:`make_file` does not write one."""
    size: ClassVar[int] = 32
    """Side of the photos that the file takes, in pixels, where its manifest does not say."""
    documents: ClassVar[dict[str, bytes] | None] = None
    """What the file's documents must be, where that is known."""

    def make_file(self, folder: Path) -> Path:
        """Write a small file of this format into ``folder``."""
        if self.file is not None:
            return Path(self.file)
        exporter = _exporter_of(f".{self.name}")
        assert exporter is not None, (
            f"no installed exporter writes .{self.name} files: add  def make_file(self, folder)  to "
            f"{type(self).__name__}, which writes a small one and returns its path"
        )
        return _exported(exporter, folder / f"모델 1.{self.name}")

    def artifact(self) -> Path:
        path: Path = self.once("file", lambda: self.make_file(self._factory.mktemp("artifact")))
        return path

    def opened(self, path: Path | None = None) -> Runtime:
        return open_runtime(path or self.artifact(), dict(self.options))

    def photo_size(self) -> int:
        manifest = self.running().documents.get("manifest.json", b"{}")
        try:
            return int(json.loads(manifest)["preprocess"]["size"])
        except (ValueError, KeyError, TypeError):
            return self.size

    def test_its_documents_are_those_that_were_put_in(self) -> None:
        """Labels, thresholds and gallery come back byte for byte.

        If this fails, check that the runtime gives back every document and nothing else, as bytes.
        """
        found = self.running().documents
        if self.documents is not None:
            same_bytes(found, self.documents)

    @pytest.fixture(autouse=True)
    def _own_folders(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        self._factory = tmp_path_factory


def _exporter_of(suffix: str) -> Any:
    """An installed exporter that writes such files, or None."""
    for plugin in plugins.find("exporter"):
        try:
            exporter = plugins.make("exporter", plugin.name, {})
        except LensError:  # not this test's concern
            continue
        if exporter.suffix == suffix:
            return exporter
    return None


def _exported(exporter: Any, path: Path) -> Path:
    from lens_core.testing import networks

    network = exporter.convert(networks.tiny("convolutions"), networks.example())
    exporter.write(network, {"gallery.safetensors": bytes(range(256))}, path)
    return path
