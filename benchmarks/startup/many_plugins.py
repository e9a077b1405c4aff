"""Does ``ai-lens --help`` get slower with every plugin that is installed? 0, 20 and 200 further ones.

Each environment has really installed distributions (pip, hand-made wheels) beside all that is installed here.
The environments are asked in turns, so that whatever else the machine does hurts all of them alike.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
sys.path.insert(0, str(ROOT / "tests" / "isolation"))
from shared import report  # noqa: E402 # they lie in folders that are no packages
from wheels import make_environment, pip_install, write_wheel  # noqa: E402

COUNTS = (0, 20, 200)
RUNS = 31
COMMANDS = (("--help",), ("plugins", "list", "--json"))
GROUPS = (
    "ai_lens.backbones",
    "ai_lens.losses",
    "ai_lens.indexes",
    "ai_lens.exporters",
    "ai_lens.quality",
    "ai_lens.trackers",
)
PLUGIN = "from lens_core import hookimpl\n@hookimpl\ndef make_index(dim): ...\n"
TARGET_MS = 30
"""What 20 further plugins may cost ``--help`` at most."""


def environment(folder: Path, count: int) -> Path:
    """The ``ai-lens`` of an environment with this many further plugins."""
    folder.mkdir()
    command = make_environment(folder / "venv")
    wheels = [
        write_wheel(folder, f"ai-lens-further-{n}", PLUGIN, {GROUPS[n % len(GROUPS)]: [f"further-{n}"]})
        for n in range(count)
    ]
    if wheels:
        pip_install(command, *wheels)
    return command


def milliseconds(command: Sequence[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env={**os.environ, "COLUMNS": "100"})
    return 1000 * (time.perf_counter() - start)


def interval(differences: Sequence[float], draws: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of the median."""
    chance = random.Random(0)  # noqa: S311 # no secret
    medians = sorted(statistics.median(chance.choices(differences, k=len(differences))) for _ in range(draws))
    return medians[draws // 40], medians[-draws // 40 - 1]


def in_turns(commands: dict[int, Path], arguments: Sequence[str]) -> dict[int, list[float]]:
    """Milliseconds of each run, by the number of further plugins; a first turn only fills caches."""
    turns = [
        {count: milliseconds([str(command), *arguments]) for count, command in commands.items()}
        for _ in range(RUNS + 1)
    ][1:]
    return {count: [turn[count] for turn in turns] for count in commands}


def main() -> None:
    rows: list[list[str]] = []
    data: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        commands = {count: environment(Path(folder) / str(count), count) for count in COUNTS}
        for arguments in COMMANDS:
            times = in_turns(commands, arguments)
            for count in COUNTS:
                more = [here - bare for here, bare in zip(times[count], times[0], strict=True)]
                median, difference = statistics.median(times[count]), statistics.median(more)
                low, high = interval(more)
                what = f"ai-lens {' '.join(arguments)}"
                shown = f"{difference:+.0f} ms ({low:+.0f} to {high:+.0f})" if count else ""
                rows.append([what, str(count), f"{median:.0f} ms", shown])
                figures = {"median_ms": median, "more_ms": difference, "interval_ms": [low, high]}
                data[f"{what}, {count}"] = figures
    title = f"Start-up with further plugins, {os.cpu_count()} cores (medians of {RUNS} runs, in turns)"
    head = ["command", "further plugins", "time", f"more than without (at most {TARGET_MS} ms wanted for 20)"]
    report(__file__, title, head, rows, data)


if __name__ == "__main__":
    main()
