"""The command line: one file per command, each thin (flags -> settings -> one call)."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from lens_core.cli import say

if TYPE_CHECKING:
    from lens_core.errors import LensError


def main() -> None:
    """``ai-lens``. A user's mistake prints one line; a bug prints a traceback only when asked for."""
    stopped = False

    def stop(*_: object) -> NoReturn:
        """A service manager's stop ends as Ctrl-C does: no plugin is blamed, no temporary file left."""
        nonlocal stopped
        stopped = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        _main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(143 if stopped else 130)
    except SystemExit:
        if stopped:  # typer has made an exit of it
            sys.exit(143)
        raise


def _main(arguments: list[str]) -> None:
    from lens_core.cli.app import command
    from lens_core.errors import CannotWriteError, LensError, NoPermissionError

    _open_streams()
    _keep_stdout_for_results()
    _speak_utf8()
    # Read when PyTorch is loaded: threads that spin while they wait make two busy processes crawl.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    say.debug(_take("--debug", arguments) or os.environ.get("AI_LENS_DEBUG") == "1")
    say.be_quiet(_take("--quiet", arguments) or _take("-q", arguments) or say.helping())
    try:
        _run(lambda: command(arguments))
    except LensError as error:
        if say.debugging():
            raise
        _fail(error)
    except Exception as error:
        if say.debugging():
            raise
        if isinstance(error, PermissionError) and error.filename:
            _fail(NoPermissionError(f"{error.filename}: permission denied."))
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            _fail(CannotWriteError(f"The output cannot be written: {error.strerror}."))
        print(f"ai-lens: this is a bug in ai-lens: {type(error).__name__}: {error}", file=sys.stderr)
        print("Run the same command with --debug and report what it prints.", file=sys.stderr)
        sys.exit(1)


def _run(command: Callable[[], object]) -> None:
    """Run to the end, flushing included. A reader (`| head -1`) that has what it wanted is no failure."""
    try:
        try:
            command()
        finally:
            sys.stdout.flush()
    except (BrokenPipeError, SystemExit) as leaving:
        # typer turns a closed pipe into exit status 1.
        if not isinstance(leaving, BrokenPipeError) and not isinstance(leaving.__context__, BrokenPipeError):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _fail(error: LensError) -> NoReturn:
    print(f"ai-lens: {error}", file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:  # a full disk: Python would try once more at the end, and complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(error.exit_status)


def _take(flag: str, arguments: list[str]) -> bool:
    """Whether a flag that means the same everywhere was given, before or after the command."""
    given = flag in arguments
    while flag in arguments:
        arguments.remove(flag)
    return given


def _open_streams() -> None:
    """Service managers may start a program with its streams closed: then there is nothing to read, and nobody
    to tell."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def _keep_stdout_for_results() -> None:
    """What native libraries and child processes print goes to stderr."""
    own = sys.__stdout__
    if own is None or sys.stdout is not own or own.fileno() != 1:
        return  # somebody embeds this process and has made other arrangements
    results = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = open(results, "w", buffering=1 if os.isatty(results) else -1)  # noqa: PTH123, SIM115


def _speak_utf8() -> None:
    """The same bytes on every console: LANG=C, cp949, a pipe."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
