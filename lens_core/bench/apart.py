"""Measures files one after the other, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs
from attrs import frozen

from lens_core.bench.row import Candidate, Failure, Measured
from lens_core.bench.worker import Request
from lens_core.structure import converter


@frozen
class Asking:
    """What every file is asked."""

    model: tuple[str, str]
    """``embedding_id`` and version."""
    photos: Sequence[tuple[str, Path]]
    """(place, file) of photos that are answered while the clock runs."""
    materials: Mapping[int, Path]
    """Folders of :class:`lens_core.runtime.examine.Material`, by the size of the input; empty: no figures."""
    options: Mapping[str, Any]
    """Of the runtimes."""

    def each(self, candidates: Sequence[Candidate]) -> Iterator[tuple[Candidate, Measured | Failure]]:
        """In their order; one that fails tells why, and the others go on."""
        for candidate in candidates:
            yield candidate, candidate.failure or self._measure(candidate)

    def _measure(self, candidate: Candidate) -> Measured | Failure:
        request = Request(
            path=str(candidate.path),
            options=dict(self.options),
            model=self.model,
            photos=tuple((place, str(path)) for place, path in self.photos),
            materials={str(size): str(folder) for size, folder in self.materials.items()},
        )
        with TemporaryDirectory() as folder:
            asked, answered = Path(folder) / "request.json", Path(folder) / "answer.json"
            asked.write_text(json.dumps(attrs.asdict(request)), encoding="utf-8")
            # -P: what lies in the folder where somebody stands is not to be imported.
            command = [sys.executable, "-P", "-m", "lens_core.bench.worker", str(asked), str(answered)]
            done = subprocess.run(command, capture_output=True, check=False)
            if not answered.exists():
                return _crash(done)
            found = json.loads(answered.read_text(encoding="utf-8"))
        if "failure" in found:
            return converter.structure(found["failure"], Failure)
        return converter.structure(found["measured"], Measured)


def _crash(done: subprocess.CompletedProcess[bytes]) -> Failure:
    said = done.stderr.decode(errors="replace").strip().splitlines()
    last = said[-1] if said else "it said nothing"
    return Failure("", f"Its process ended with status {done.returncode}: {last}")
