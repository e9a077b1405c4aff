"""``ai-lens plugins``: see what is installed, look at one, check it, begin a new one."""

from __future__ import annotations

import typer

from lens_core.cli.plugins import check, info, listing, new

app = typer.Typer(
    help="List, explain, check and begin plugins.", rich_markup_mode=None, invoke_without_command=True
)
app.command("list")(listing.list_plugins)
app.command("info")(info.info)
app.command("check")(check.check)
app.command("new")(new.new)


@app.callback()
def plugins(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        listing.list_plugins(False)
