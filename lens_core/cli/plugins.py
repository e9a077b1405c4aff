"""``ai-lens plugins``: what is installed."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer(help="List the installed plugins.", rich_markup_mode=None, invoke_without_command=True)

Json = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.callback()
def plugins(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_plugins(False)


@app.command("list")
def list_plugins(as_json: Json = False) -> None:
    """Every installed plugin by family, from metadata alone: nothing is imported."""
    from lens_core.cli.say import table
    from lens_core.plugins import FAMILIES, find

    found = [plugin for family in FAMILIES for plugin in find(family)]
    if as_json:
        rows = [
            {"family": p.family.name, "name": p.name, "distribution": p.distribution, "version": p.version}
            for p in found
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    lines = [[p.family.name, p.name, f"{p.distribution} {p.version}"] for p in found]
    print(table("Installed plugins", ["family", "name", "from"], lines))
