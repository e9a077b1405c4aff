"""How a contract's tests ask: for refusals, from several threads, and what to compare with."""

from __future__ import annotations

import random
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lens_core.errors import BrokenPluginError, CannotDoError
from lens_core.plugins import PUBLISHED, find

THREADS = 4
ROUNDS = 8
_INTERRUPTED = 0.2
"""Share of a plugin's lines after which its thread is made to wait."""


@contextmanager
def refused_as_a_mistake(what: str) -> Iterator[None]:
    """The block must raise ValueError; ai-lens wraps it in an error that names the plugin."""
    try:
        yield
    except ValueError:
        return
    except BrokenPluginError as error:
        if isinstance(error.__cause__, ValueError):
            return
        raise AssertionError(
            f"{what} must raise ValueError, not {type(error.__cause__).__name__}: {error.what}"
        ) from error
    raise AssertionError(f"{what} must raise ValueError, and was accepted")


def answers_from_threads(ask: Callable[[Any], Any], questions: Sequence[Any]) -> list[list[tuple[int, Any]]]:
    """For each thread (number of the question, answer); all ask at once and are interrupted between lines."""
    start = threading.Barrier(THREADS)

    def ask_all(first: int) -> list[tuple[int, Any]]:
        turns = [(first + turn) % len(questions) for turn in range(ROUNDS * len(questions))]
        start.wait()
        sys.settrace(_interrupting(first))
        try:
            return [(number, ask(questions[number])) for number in turns]
        finally:
            sys.settrace(None)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(ask_all, range(THREADS)))


def _interrupting(seed: int) -> Callable[..., Any]:
    """A trace function that now and then lets other threads run, so that what they share gets mixed up."""
    chance = random.Random(seed)  # noqa: S311 # no secret

    def trace(frame: object, event: str, argument: object) -> Any:
        if event == "line" and chance.random() < _INTERRUPTED:
            time.sleep(1e-6)
        return trace

    return trace


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder`` and its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def same_bytes(found: Mapping[str, bytes], expected: Mapping[str, bytes]) -> None:
    """The same names, each with the same bytes.

    Where CI is set, pytest shows in full how two values differ; of some thousand bytes that takes minutes.
    """
    assert sorted(found) == sorted(expected)
    changed = [name for name, content in expected.items() if found[name] != content]
    assert changed == [], f"other bytes than before: {', '.join(changed)}"


def frozen_copy(array: Any) -> Any:
    """The same numbers, with gaps between them in memory and not to be written to."""
    wide = np.repeat(array, 2, axis=0)
    view = wide[::2]
    view.flags.writeable = False
    return view


def no_native_output(capfd: pytest.CaptureFixture[str]) -> None:
    """Fail where something was printed to stdout; ai-lens sends what Python code prints elsewhere."""
    printed = capfd.readouterr().out
    assert printed == "", f"stdout must carry results only, and had {printed[:300]!r}"


def unless_it_cannot(change: Any) -> bool:
    """Whether the change was made; where the library cannot, its message must name a way out."""
    try:
        change()
    except CannotDoError as error:
        others = {*PUBLISHED["index"], *(plugin.name for plugin in find("index"))}
        ways_out = "|".join(["ai-lens ", "--index", *sorted(re.escape(name) for name in others)])
        assert re.search(ways_out, error.message), (
            f"CannotDoError must name a command or another index that helps: {error.message!r}"
        )
        return False
    return True
