"""``ai-lens compare``: is the second run better?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lens_core.evaluation.compare import Change, Comparison, Difference

MOST = 20
"""Changed photos that the table shows."""


def compare(
    first: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that `ai-lens evaluate` wrote.")],
    second: Annotated[Path, typer.Argument(metavar="RUN", help="Another one.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs; lists every changed photo.")] = False,
) -> None:
    """Compare two evaluations of the same photos: what changed, and whether it is more than chance."""
    import json

    from lens_core.cli.say import warn
    from lens_core.errors import needing

    with needing("comparing", "report"):
        from lens_core.evaluation.compare import compare as compare_runs
        from lens_core.evaluation.past import read
    found = compare_runs(read(first), read(second))
    if not found.same_photos:
        warn("the two were evaluated on different photos; only those asked in both are compared")
    elif found.only_first or found.only_second:
        warn(f"asked in one only: {found.only_first} questions (first), {found.only_second} (second)")
    print(json.dumps(found.to_dict(), ensure_ascii=False, indent=1) if as_json else _tables(found))


def _tables(found: Comparison) -> str:
    from lens_core.cli.say import table

    head = ["asked", "figure", "photos", "first", "second", "points more (95 % interval)", ""]
    rows = [_row(one) for one in found.differences]
    parts = [table(f"{found.questions} questions asked in both", head, rows)]
    if found.changes:
        turns = [change.turn for change in found.changes]
        counts = ", ".join(f"{turns.count(turn)} {turn}" for turn in ("worse", "better", "other"))
        head = ["", "asked in", "photo", "shows", "first", "second"]
        rows = [_changed(change) for change in found.changes[:MOST]]
        parts.append(table(f"Answered differently: {counts}", head, rows))
    if len(found.changes) > MOST:
        parts.append(f"and {len(found.changes) - MOST} more; --json lists all")
    return "\n\n".join(parts)


def _row(one: Difference) -> list[str]:
    gain, low, high = (100 * one.difference[name] for name in ("value", "low", "high"))
    return [
        f"{one.protocol} {one.held_out or ''}".strip(),
        one.figure,
        str(one.photos),
        f"{one.first:.1%}",
        f"{one.second:.1%}",
        f"{gain:+.1f} ({low:+.1f} to {high:+.1f})",
        "clear" if one.is_clear else "",
    ]


def _changed(change: Change) -> list[str]:
    answers = (change.first or "recollect", change.second or "recollect")
    return [change.turn, change.place, change.photo, change.item or "-", *answers]
