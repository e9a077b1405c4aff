"""Each exporter with each backbone: does it work, how large is it, how far from the checkpoint, how fast.

python benchmarks/exports/compare.py [--backbones vit_b16 mobilenetv2 …] [--exporters onnx openvino …]

The rows of backbones that are not named stay as they were measured before.

MobileNetV2 carries real weights and is trained on all museum photos; the other backbones have random weights
and a few photos: they show whether a format converts and stays the same network, not how well it recognises.
Each file decides on every shared photo in every place; how often otherwise than the checkpoint is one column.
Milliseconds are measured last, one file after the other: only then must the machine do nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from models import trained
from shared import MUSEUMS, SHARED, need_shared, report

from lens_core.contracts import Pixels

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
BACKBONES = ("mobilenetv2", "resnet50", "efficientnet_b3", "convnext_tiny", "vit_b16")
EXPORTERS = ("onnx", "ort-mobile", "openvino", "torchscript", "coreml")
REPEATS = 25


def main() -> None:
    need_shared()
    parser = argparse.ArgumentParser()
    parser.add_argument("--backbones", nargs="+", default=BACKBONES)
    parser.add_argument("--exporters", nargs="+", default=EXPORTERS)
    # A process for one backbone, or one file, so that memory is its own.
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--clock", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.clock:
        print(_milliseconds(asked.clock))
    elif asked.one:
        for row in measure(asked.one, asked.exporters, asked.folder):
            print(json.dumps(row, ensure_ascii=False), flush=True)
    else:
        with tempfile.TemporaryDirectory() as folder:
            found = _rows(asked.backbones, asked.exporters, Path(folder))
        rows = [*found, *(row for row in _before() if row["backbone"] not in asked.backbones)]
        _report(sorted(rows, key=lambda row: BACKBONES.index(row["backbone"])))


def _before() -> list[dict[str, Any]]:
    path = Path(__file__).with_name("results.json")
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


def _rows(backbones: list[str], exporters: list[str], folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for backbone in backbones:
        lines, status = _apart("--one", backbone, "--folder", folder, "--exporters", *exporters)
        rows += [json.loads(line) for line in lines]
        if status:
            verdict = f"exit {status}"
            rows.append({"backbone": backbone, "exporter": "-", "precision": "-", "verdict": verdict})
        print(f"{backbone}: done", file=sys.stderr)
    for row in rows:
        if path := row.pop("path", None):
            row["milliseconds"] = float(_apart("--clock", path)[0][-1])
    return rows


def _apart(*words: object) -> tuple[list[str], int]:
    """(lines that this script prints when it is called so, its exit status)."""
    command = [sys.executable, __file__, *map(str, words)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.splitlines(), done.returncode


def measure(backbone: str, exporters: list[str], folder: Path) -> Iterator[dict[str, Any]]:
    """Train a checkpoint with this backbone, then export it to everything, in fp32 and int8."""
    own = folder / backbone
    own.mkdir()
    checkpoint, data = trained(backbone, own)
    photos = _all_photos(checkpoint)
    decisions = _decisions(checkpoint, photos)
    yield {
        "backbone": backbone,
        "exporter": "checkpoint",
        "precision": "fp32",
        "verdict": "-",
        "megabytes": _megabytes(checkpoint),
        "path": str(checkpoint),
        "decisions": len(decisions),
    }
    for exporter in exporters:
        for quantize in (None, "int8"):
            about = {"backbone": backbone, "exporter": exporter, "precision": quantize or "fp32"}
            row = _export(checkpoint, exporter, quantize, data)
            if "path" in row:
                pairs = zip(decisions, _decisions(Path(row["path"]), photos), strict=True)
                row["decisions"] = len(decisions)
                row["other_decisions"] = sum(before != after for before, after in pairs)
            yield about | row


def _all_photos(model: Path) -> Pixels:
    """uint8[N, S, S, 3]: every shared photo, as the model takes it."""
    from lens_core.photos.decode import decode
    from lens_core.photos.preprocess import prepare
    from lens_core.runtime.lens import Lens

    preprocess = Lens(model).manifest.preprocess
    files = sorted(path for path in (SHARED / "photos").rglob("*") if path.suffix.lower() == ".jpg")
    return np.stack([prepare(decode(path), preprocess) for path in files])


def _decisions(model: Path, photos: Pixels) -> list[str | None]:
    """The item accepted for each photo in each place; None to be taken again."""
    from lens_core.runtime.examine import decision
    from lens_core.runtime.lens import Lens

    lens = Lens(model)
    seen = lens.see(photos)
    scores = [lens.score(place, *seen) for place in lens.manifest.places]
    return [decision(lens, one, row) for one in scores for row in range(len(photos))]


def _export(checkpoint: Path, exporter: str, quantize: str | None, data: Path) -> dict[str, Any]:
    """A row of the table; with the ``path`` of a file that runs on this machine."""
    from lens_core.errors import LensError
    from lens_core.training.export import export

    ood = MUSEUMS / "ood"
    begin = time.perf_counter()
    try:
        done = export(checkpoint, exporter, data_root=data, ood=ood, quantize=quantize, allowed_loss=100)
    except LensError as error:
        return {"verdict": error.message}
    about = {"megabytes": _megabytes(done.path), "seconds": round(time.perf_counter() - begin)}
    certificate = done.certificate
    about |= {"score": certificate.largest_score_difference, "points_lost": certificate.points_lost}
    worst = max(certificate.points_lost.values(), default=0)
    about["verdict"] = "refused by default" if worst > 1 else "works"
    if certificate.checked == "spec":
        return about | {"verdict": "written and compared without running (needs macOS)"}
    return about | {"path": str(done.path)}


def _megabytes(path: Path) -> float:
    beside = path.with_suffix(".bin")
    parts = [part for part in path.rglob("*") if part.is_file()] if path.is_dir() else [path]
    parts += [beside] if beside.exists() and path.suffix == ".xml" else []
    return round(sum(part.stat().st_size for part in parts) / 1e6, 1)


def _milliseconds(model: Path) -> float:
    """One prepared photo through the runtime, median."""
    from lens_core.runtime.lens import Lens

    lens = Lens(model)
    size = lens.manifest.preprocess.size
    image = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), dtype=np.uint8)
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        lens._runtime.run(image)
        times.append(time.perf_counter() - begin)
    return round(1000 * float(np.median(times)), 1)


def _report(rows: list[dict[str, Any]]) -> None:
    head = (
        "backbone",
        "format",
        "precision",
        "verdict",
        "MB",
        "scores differ by",
        "other decisions",
        "points lost",
        "ms a photo",
    )
    report(__file__, "Exports", head, [_cells(row) for row in rows], rows)


def _cells(row: dict[str, Any]) -> list[str]:
    lost = ", ".join(f"{kind} {points:+.1f}" for kind, points in row.get("points_lost", {}).items())
    score = row.get("score")
    return [
        row["backbone"],
        row["exporter"],
        row["precision"],
        row["verdict"],
        str(row.get("megabytes", "-")),
        f"{score:.0e}" if score is not None else "-",
        f"{row['other_decisions']} of {row['decisions']}" if "other_decisions" in row else "-",
        lost or "-",
        str(row.get("milliseconds", "-")),
    ]


if __name__ == "__main__":
    main()
