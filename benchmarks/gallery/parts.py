"""What the scripts here agree on, and how they look at themselves."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

DIM = 512
EMBEDDING_ID = "million"
PLUGIN = {"exact": "exact", "ivfpq": "faiss"}
OPTIONS: dict[str, dict[str, Any]] = {"exact": {}, "ivfpq": {"kind": "ivfpq"}}
QUESTIONS = 50
"""Asked one at a time."""


def place_name(number: int) -> str:
    return f"Room {number}"


CLASSES = tuple((place_name(0), f"item {number:06}") for number in (0, 10, 20, 30, 40))
"""What the model was trained on; all other exhibits are scored by the mean of their photos."""
ASKED = place_name(0)


def model_path(folder: Path) -> Path:
    return folder / "model.onnx"


def photo() -> np.ndarray[Any, Any]:
    """uint8[600, 800, 3]: a visitor's photo, of nothing."""
    return np.random.default_rng(0).integers(0, 256, (600, 800, 3), dtype=np.uint8)


def memory(kind: str) -> int:
    """Of this process, in bytes: VmRSS now, VmHWM at most so far, RssAnon now and not of files."""
    if kind == "reset":
        Path("/proc/self/clear_refs").write_text("5")
        return 0
    found = re.search(rf"{kind}:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return 1024 * int(found[1])
