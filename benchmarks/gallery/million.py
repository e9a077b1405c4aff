"""A gallery of a million vectors: from a cold process to the first answer, and after that. Linux only.

Two galleries of 10^6 x 512 numbers, made up as ``benchmarks/indexes`` makes them: one place, and ten places
of 100,000. Each is written with the index ``exact`` and with ``faiss`` ``kind=ivfpq``, and asked by ai-lens
and, in the same run, by the script that one would write without it (``plain.py``). Files are made once and
kept in ``--folder`` (19 GB), and dropped from memory before every cold start; Python's own are not. Some 15
minutes, half of them to build.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared import report

HERE = Path(__file__).parent
PLACES = (1, 10)
INDEXES = ("exact", "ivfpq")
RUNS = 3
HEAD = (
    "places", "index", "asked by", "written in", "memory for it", "file", "first answer, cold",
    "of it the seal", "peak memory", "of its own", "warmed up, cold", "peak memory, warm", "a question, warm",
)  # fmt: skip
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "ai-lens-million")
    parser.add_argument("--size", type=int, default=1_000_000, metavar="N", help="at least 200,000")
    arguments = parser.parse_args()
    folder = arguments.folder / str(arguments.size)
    folder.mkdir(parents=True, exist_ok=True)
    step("make.py", "material", folder, arguments.size)
    cases = [(places, index) for places in PLACES for index in INDEXES]
    rows = [row for case in cases for row in measured(folder, arguments.size, *case)]
    title = f"{arguments.size:,} vectors of 512 numbers, {os.cpu_count()} cores (medians of {RUNS} starts)"
    report(__file__, title, HEAD, [cells(row) for row in rows], rows)


def measured(folder: Path, size: int, places: int, index: str) -> list[Row]:
    """One row for ai-lens and one for the plain script."""
    made = folder / f"{places}-{index}.json"
    if not made.exists():
        made.write_text(json.dumps(step("make.py", "gallery", folder, size, places, index)))
    rows = []
    for script, asked_by in (("lens.py", "ai-lens"), ("plain.py", "a plain script")):
        colds = [step(script, "cold", folder, places, index) for _ in range(RUNS)]
        cold = {key: statistics.median(run[key] for run in colds) for key in colds[0]}
        warm = step(script, "warm", folder, places, index)
        about = json.loads(made.read_text()) if script == "lens.py" else {}
        rows.append({"places": places, "index": index, "asked_by": asked_by, **about, **cold, **warm})
        print(f"{places} {index} {asked_by}: done", file=sys.stderr, flush=True)
    return rows


def step(script: str, *what: object) -> Row:
    """What a script prints, run in a process of its own that begins with the files on disk only."""
    folder = what[1]
    if what[0] in ("cold", "warm"):
        forget(Path(str(folder)))
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "AI_LENS_CACHE_DIR": f"{folder}/cache"}
    command = [sys.executable, str(HERE / script), *map(str, what), str(time.time())]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    figures: Row = json.loads(done.stdout.splitlines()[-1])
    return figures


def forget(folder: Path) -> None:
    """Drop every file of the folder from the machine's memory."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cells(row: Row) -> list[str]:
    def seconds(key: str) -> str:
        return f"{row[key]:.2f} s" if key in row else ""

    def megabytes(key: str) -> str:
        return f"{row[key] / 1e6:,.0f} MB" if key in row else ""

    return [
        str(row["places"]), row["index"], row["asked_by"], seconds("written_s"), megabytes("written_peak"),
        megabytes("file_bytes"), seconds("cold_s"), seconds("seal_s"), megabytes("cold_peak"),
        megabytes("cold_own"), seconds("warm_s"), megabytes("warm_peak"),
        f"{1000 * row['question_s']:.1f} ms",
    ]  # fmt: skip


if __name__ == "__main__":
    main()
