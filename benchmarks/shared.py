"""What the benchmarks share: where the photos and weights are, and how a table is written."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lens_core.photos.layout import list_photos, nfc
from lens_core.photos.strays import StrayPhoto

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
MUSEUMS = SHARED / "photos" / "museums"
WEIGHTS = SHARED / "weights" / "mobilenetv2_100.onnxzoo-mobilenetv2-7.nohead.safetensors"


def need_shared(*paths: Path) -> None:
    """Stop with a word when the photos and weights, or these paths, are not there."""
    for path in paths or (MUSEUMS, WEIGHTS):
        if not path.exists():
            sys.exit(f"This benchmark needs {path}; see benchmarks/README.md.")


def strays() -> list[StrayPhoto]:
    """The museum photos that must be refused: untrained exhibits in their place, the others everywhere."""
    found = []
    for file in list_photos(MUSEUMS / "ood"):
        kind, place, _ = nfc(file.stem).split("__")
        found.append(StrayPhoto(file, f"ood/{file.name}", place if kind == "untrained-exhibit" else ""))
    return found


def report(
    script: str,
    title: str,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    data: Any,
    name: str = "results",
) -> None:
    """Print a Markdown table; keep it as {name}.md, and the numbers as {name}.json, beside the script."""
    lines = [f"# {title}", "", _row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)]
    text = "\n".join(lines) + "\n"
    print(text)
    folder = Path(script).parent
    (folder / f"{name}.md").write_text(text, encoding="utf-8")
    (folder / f"{name}.json").write_text(
        json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
