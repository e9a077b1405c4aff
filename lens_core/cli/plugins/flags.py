"""Flags of the ``ai-lens plugins`` commands, worded once."""

from __future__ import annotations

from typing import Annotated

import typer


def known_family(name: str | None) -> str | None:
    """The name of a family, or a usage error that says which there are and which one was perhaps meant."""
    import difflib

    from lens_core.plugins import FAMILIES

    if name is None or name in FAMILIES:
        return name
    nearest = difflib.get_close_matches(name, FAMILIES, n=1)
    hint = f" Did you mean '{nearest[0]}'?" if nearest else ""
    raise typer.BadParameter(f"there is no family '{name}'. Families: {', '.join(FAMILIES)}.{hint}")


Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Name = Annotated[str, typer.Argument(help="What the user types to choose it, for example faiss.")]
Family = Annotated[
    str | None,
    typer.Option(callback=known_family, help="Only this family, where several have a plugin of the name."),
]
