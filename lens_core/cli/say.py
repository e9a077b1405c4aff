"""What people see while they wait: stderr only, quiet when asked, plain where it is no terminal."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lens_core.progress import Progress, Stage

_quiet = False
_debugging = False


def be_quiet(quiet: bool) -> None:
    """``--quiet``: results and errors only."""
    global _quiet  # one flag of one process
    _quiet = quiet


def debug(wanted: bool) -> None:
    """``--debug``: all there is to know when something fails."""
    global _debugging  # one flag of one process
    _debugging = wanted


def debugging() -> bool:
    return _debugging


def helping() -> bool:
    """Whether this is one of several processes that ``torchrun`` has started, and not the first of them,
    which alone speaks and writes."""
    return os.environ.get("RANK", "0") != "0"


def say(text: str) -> None:
    """A line for whoever waits."""
    if not _quiet:
        print(text, file=sys.stderr, flush=True)


def stdin_bytes(most: int) -> bytes:
    """What is piped in: one byte more than ``most`` where it is longer, and might never end."""
    return sys.stdin.buffer.read(most + 1)


def how_to_ask(model: Path, place: str) -> str:
    """A command to copy: names with blanks in quotation marks."""
    return f"ai-lens infer --model {shlex.quote(str(model))} --place {shlex.quote(place)} --image PHOTO"


def warn(text: str) -> None:
    """A line that matters although nothing failed; also with ``--quiet``."""
    print(f"warning: {text}", file=sys.stderr, flush=True)


@contextmanager
def stages() -> Iterator[Stage]:
    """Progress bars with an estimate of what is left; one line per stage where stderr is no terminal."""
    if _quiet or not sys.stderr.isatty():
        yield _plain_stage
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:

        def stage(title: str) -> Progress:
            task = bars.add_task(title, total=None)
            return lambda done, total: bars.update(task, completed=done, total=total)

        yield stage


def _plain_stage(title: str) -> Progress:
    say(f"{title} ...")
    return lambda done, total: None


def table(title: str, head: list[str], rows: list[list[str]]) -> str:
    """A plain-text table. Wide (Korean, Chinese) letters take two columns."""
    from rich.cells import cell_len

    widths = [max(cell_len(line[column]) for line in [head, *rows]) for column in range(len(head))]

    def line(cells: list[str]) -> str:
        padded = [cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)]
        return "  ".join(padded).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([title, line(head), rule, *(line(row) for row in rows)])
