"""Loading files that are no index, in a process of its own: a library may end it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from lens_core.testing.loading import run_python

_LOAD = """
import json, sys
from lens_core import plugins
from lens_core.errors import ArtifactError
from pathlib import Path
report, name, options, dim, *paths = sys.argv[1:]
told = {}
for path in map(Path, paths):
    index = plugins.make("index", name, json.loads(options), dim=int(dim))
    try:
        index.load(path)
        told[path.name] = "was loaded as if it were an index"
    except ArtifactError:
        told[path.name] = ""
    except Exception as error:
        told[path.name] = "raised " + " ".join(str(error).split())
    Path(report).write_text(json.dumps(told))
"""


def complaints(folder: Path, name: str, options: dict[str, Any], dim: int, whole: bytes) -> list[str]:
    """What went wrong with which file; nothing where each was refused with an ArtifactError (E2xx)."""
    files = {
        "empty": b"",
        "one byte": b"\0",
        "text": b"This is no index.\n" * 40,
        "random": np.random.default_rng(0).bytes(4096),
        "cut at the end": whole[:-20],
        "cut in half": whole[: len(whole) // 2],
    }
    for kind, content in files.items():
        (folder / kind).write_bytes(content)
    report = folder / "report.json"
    report.write_text("{}")
    paths = [str(folder / kind) for kind in files]
    done = run_python(_LOAD, str(report), name, json.dumps(options), str(dim), *paths)
    ended = f"the process ended with status {done.returncode}: {done.stderr.strip()[-300:]}"
    told = json.loads(report.read_text())
    return [f"{kind}: {told.get(kind, ended)}" for kind in files if told.get(kind) != ""]
