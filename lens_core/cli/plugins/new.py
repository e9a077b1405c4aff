"""``ai-lens plugins new``: a plugin of one's own that works at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lens_core.cli.plugins import flags


def new(
    family: Annotated[
        str,
        typer.Argument(
            callback=flags.known_family,
            help="backbone, loss, index, exporter, runtime, quality or tracker.",
        ),
    ],
    name: Annotated[str, typer.Argument(help="What users will type to choose it, for example my-index.")],
    folder: Annotated[Path | None, typer.Option(help="The folder to make. [default: ./ai-lens-NAME]")] = None,
) -> None:
    """Write a small plugin that works, with tests that pass, to begin from."""
    from lens_core.cli.plugins.scaffold import Names, refuse_taken, write
    from lens_core.cli.say import say

    names = Names.of(name)
    refuse_taken(family, names)
    target = folder or Path(names.distribution)
    write(family, names, target)
    print(target)
    say("Next:")
    say(f'  pip install -e "{_path(target)}[test]"')
    say(f"  pytest {_quoted(target)}")
    say(
        f"  ai-lens plugins check {names.name}"
        + (f" --file FILE.{names.name}" if family == "runtime" else "")
    )


def _path(folder: Path) -> str:
    """With a slash in it, so that pip takes it for a folder and not for a name."""
    return str(folder) if folder.is_absolute() else f"./{folder}"


def _quoted(folder: Path) -> str:
    return f'"{folder}"' if " " in str(folder) else str(folder)
