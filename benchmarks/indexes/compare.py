"""Indexes side by side: how long they take, how much they find, what they need. Linux only.

For each size and index: building and saving, what is found of 1,000 questions, questions per second, and
opening the saved file in a fresh process after its pages were dropped from memory. Every index works in a
process of its own with a time limit; one that fails is a row with the reason. Rows are kept as they are
measured, so that the same command goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared import report

from lens_core.cli.options import key_values

INDEXES = (
    "exact",
    "faiss:kind=flat",
    "faiss:kind=hnsw",
    "faiss:kind=hnsw,m=16,ef_search=64",
    "faiss:kind=ivfpq",
    "faiss:kind=ivfpq,nprobe=64",
    "usearch",
    "annoy",
    "scann",
)
HEAD = (
    "vectors", "index", "build", "file", "recall@1", "recall@10", "recall@1 of the answer",
    "questions/s", "in batches of 64", "first answer from disk", "peak memory", "of its own",
)  # fmt: skip
Row = dict[str, Any]


class FailedError(Exception):
    """Why an index has no figures."""


def chosen() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 100_000], metavar="N")
    parser.add_argument("--indexes", nargs="+", default=INDEXES, metavar="NAME[:KEY=VALUE,...]")
    parser.add_argument("--minutes", type=float, default=60, help="limit of one step of one index")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "ai-lens-indexes")
    parser.add_argument("--again", action="store_true", help="measure these anew")
    return parser.parse_args()


def main() -> None:
    arguments = chosen()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    kept = arguments.folder / "rows.jsonl"
    rows = {} if not kept.exists() else _keyed(map(json.loads, kept.read_text().splitlines()))
    for size in arguments.sizes:
        for index in arguments.indexes:
            if (size, index) in rows and not arguments.again:
                continue
            row = {"vectors": size, "index": index, **measured(arguments, size, index)}
            with kept.open("a") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
            rows[size, index] = row
            print(f"{size:,} {index}: {row.get('failure', 'done')}", file=sys.stderr, flush=True)
    ordered = sorted(rows.values(), key=lambda row: (row["vectors"], row["index"]))
    title = f"Indexes of 512 numbers, ten neighbours of 1,000 questions, {os.cpu_count()} cores"
    report(__file__, title, HEAD, [_cells(row) for row in ordered], ordered)


def _keyed(rows: Any) -> dict[tuple[int, str], Row]:
    return {(row["vectors"], row["index"]): row for row in rows}


def measured(arguments: argparse.Namespace, size: int, index: str) -> Row:
    """The figures of one index, or its failure."""
    name, _, options = index.partition(":")
    given = json.dumps(key_values(options.split(",") if options else []))
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        what = (str(arguments.folder), str(size), name, given, str(Path(folder) / "index"))
        row: Row = {}
        try:
            for step in ("material", "build", "cold"):
                row |= _step(step, *what, minutes=arguments.minutes)
        except FailedError as failure:
            row["failure"] = str(failure)
        return row


def _step(*command: str, minutes: float) -> Row:
    """What ``measure.py`` measured."""
    script = str(Path(__file__).with_name("measure.py"))
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
    try:
        done = subprocess.run(
            [sys.executable, script, *command],
            capture_output=True, text=True, env=environment, timeout=60 * minutes, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise FailedError(f"{command[0]}: not done after {minutes:g} minutes") from error
    if done.returncode:
        raise FailedError(f"{command[0]}: {_reason(done)}")
    figures: Row = json.loads(done.stdout.splitlines()[-1])
    return figures


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    last = said[-1].rpartition("Error: ")[2] if said else "no word"
    if done.returncode < 0:
        return f"ended by {signal.Signals(-done.returncode).name}: {last}"
    return last


def _cells(row: Row) -> Sequence[str]:
    front = [f"{row['vectors']:,}", row["index"].replace(":kind=", " ").replace(",", " ")]
    if "failure" in row:
        return [*front, row["failure"], *[""] * (len(HEAD) - 3)]
    recalls = [f"{row[key]:.3f}" for key in ("recall_1", "recall_10", "recall_1_reranked")]
    speeds = [f"{row[key]:,.0f}" for key in ("per_s_1", "per_s_64")]
    memory = [f"{row[key] / 1024:,.0f} MB" for key in ("peak_kb", "own_kb")]
    built = [f"{row['build_s']:,.1f} s", f"{row['file_bytes'] / 1e6:,.1f} MB"]
    return [*front, *built, *recalls, *speeds, f"{row['cold_s']:.2f} s", *memory]


if __name__ == "__main__":
    main()
