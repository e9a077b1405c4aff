"""``ai-lens config``: the settings in force and where each came from."""

from __future__ import annotations

import json

import typer

from lens_core.cli import choices, options


def config(context: typer.Context, config: options.Config = None) -> None:
    """Print every setting, its value and where it came from, as a file that --config reads."""
    from lens_core.settings import flatten

    resolved = choices.of(context).resolve(config)
    group = ""
    for key, value in flatten(resolved.settings).items():
        head, _, rest = key.partition(".")
        if rest and head != group:
            print(f"{head}:")
        group = head if rest else ""
        shown = json.dumps(value, ensure_ascii=False)
        print(f"{'  ' + rest if rest else head}: {shown}  # {resolved.origins[key]}")
