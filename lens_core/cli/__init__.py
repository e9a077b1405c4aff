"""The command line: one file per command, each thin (flags -> settings -> one call)."""

from __future__ import annotations

import os
import sys

from lens_core.cli import say


def main() -> None:
    """``ai-lens``. A user's mistake prints one line; a bug prints a traceback only when asked for."""
    from lens_core.cli.app import command
    from lens_core.errors import LensError

    _speak_utf8()
    # Read when PyTorch is loaded: threads that spin while they wait make two busy processes crawl.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    arguments = sys.argv[1:]
    debug = _take("--debug", arguments) or os.environ.get("AI_LENS_DEBUG") == "1"
    say.be_quiet(_take("--quiet", arguments) or _take("-q", arguments))
    try:
        command(arguments)
    except SystemExit as leaving:
        if not isinstance(leaving.__context__, BrokenPipeError):
            raise
        # The reader (`| head -1`) has what it wanted. typer calls that a failure; people do not.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except LensError as error:
        if debug:
            raise
        print(f"ai-lens: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    except Exception as error:
        if debug:
            raise
        print(f"ai-lens: this is a bug in ai-lens: {type(error).__name__}: {error}", file=sys.stderr)
        print("Run the same command with --debug and report what it prints.", file=sys.stderr)
        sys.exit(1)


def _take(flag: str, arguments: list[str]) -> bool:
    """Whether a flag that means the same everywhere was given, before or after the command."""
    given = flag in arguments
    while flag in arguments:
        arguments.remove(flag)
    return given


def _speak_utf8() -> None:
    """The same bytes on every console: LANG=C, cp949, a pipe."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
