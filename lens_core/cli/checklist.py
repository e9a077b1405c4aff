"""``ai-lens checklist``: is this run ready for opening day?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def checklist(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")],
    require: Annotated[
        list[str] | None,
        typer.Option(help="Bars instead of the usual ones, for example 'top1>=0.9'; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Tick off, with evidence, what a museum signs before opening day. Exit status: 0 ready, 9 not yet."""
    import json

    import attrs

    from lens_core.cli.say import say
    from lens_core.errors import REQUIREMENT_NOT_MET, needing

    with needing("the checklist", "standard"):
        from lens_core.evaluation.checklist import check
        from lens_core.evaluation.requirements import Requirement
    bars = [Requirement.read(text) for text in require or ()]
    say(f"Looking at {run}, and asking each export a photo ...")
    ticks = check(run, bars)
    if as_json:
        print(json.dumps([attrs.asdict(tick) for tick in ticks], ensure_ascii=False, indent=1))
    else:
        for tick in ticks:
            print(f"[{'x' if tick.done else ' '}] {tick.title}\n    {tick.evidence}")
            if not tick.done and tick.advice:
                print(f"    -> {tick.advice}")
        print(f"{sum(tick.done for tick in ticks)} of {len(ticks)} ticked")
    if not all(tick.done for tick in ticks):
        raise typer.Exit(REQUIREMENT_NOT_MET)
