"""What was chosen in front of a command, to be completed by the command's own flags."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from lens_core.settings import Resolved, Settings


class Choices:
    """Flags by dotted settings key; None means: not given."""

    def __init__(self, config: Path | None, flags: dict[str, Any]) -> None:
        self.config = config
        self.flags = flags

    def resolve(self, config: Path | None = None, **flags: Any) -> Resolved:
        """The settings in force; a command's own flags win over those in front of it.

        ``__`` in a name stands for the dot: ``reject__threshold``.
        """
        from lens_core.settings import resolve

        own = {name.replace("__", "."): value for name, value in flags.items() if value is not None}
        return resolve(config or self.config, {**self.flags, **own})


def of(context: typer.Context) -> Choices:
    """The choices made in front of this command."""
    choices: Choices = context.find_root().obj
    return choices


def settings(context: typer.Context, config: Path | None = None, **flags: Any) -> Settings:
    """The settings in force for a command."""
    return of(context).resolve(config, **flags).settings
