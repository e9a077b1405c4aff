"""What the hand-written pages claim: links that lead somewhere, commands and flags that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from lens_core.cli.app import app

ROOT = Path(__file__).parent.parent
HELP_WIDTH = 100


def prose() -> list[Path]:
    """Every page that people read."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def commands(command: Any = None, parent: Any = None) -> Iterator[tuple[Any, Any]]:
    """(command, context) of ``ai-lens`` and of everything below it, with help texts of a fixed width."""
    command = command or typer.main.get_command(app)
    context = command.context_class(
        command,
        parent=parent,
        info_name=command.name if parent else "ai-lens",
        terminal_width=HELP_WIDTH,
        max_content_width=HELP_WIDTH,
        **({} if parent else command.context_settings),
    )
    yield command, context
    for child in getattr(command, "commands", {}).values():
        yield from commands(child, context)


def complaints(page: Path) -> Iterator[str]:
    """Dead links, and commands and flags that do not exist, on one page."""
    text = page.read_text(encoding="utf-8")
    shell = re.findall(r"^ *```(?:bash|console)\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    outside = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", outside):
        if "://" not in target and not (page.parent / target).exists():
            yield f"there is no {target} to link to"
    lines = [line for block in shell for line in block.replace("\\\n", " ").splitlines()]
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", outside)]
    for line in [*lines, *spans]:
        if re.match(r"(\w+=\S+ )*ai-lens ", line):
            yield from _unknown_words(line)
        elif re.match(r"--\w", line) and line.split()[0] not in _flags():
            yield f"there is no flag {line.split()[0]}"


def _unknown_words(line: str) -> Iterator[str]:
    """Follow one ``ai-lens ...`` line through its commands and flags."""
    front: Any = typer.main.get_command(app)
    command = front
    words = iter(shlex.split(line, comments=True))
    while next(words) != "ai-lens":
        continue
    for word in words:
        if word in ("|", ">", "&&"):
            return
        if word.startswith("-") and len(word) > 1:
            name, _, value = word.partition("=")
            option = next((p for c in (command, front) for p in c.params if name in p.opts), None)
            if option is None and name not in ("-h", "--help"):
                yield f"`{line}`: there is no flag {name}"
            elif option is not None and not option.is_flag and not value:
                next(words, None)
        elif hasattr(command, "commands"):
            if word not in command.commands:
                yield f"`{line}`: there is no command {word}"
                return
            command = command.commands[word]


def _flags() -> set[str]:
    return {"--help"} | {
        flag for command, _ in commands() for option in command.params for flag in option.opts
    }
