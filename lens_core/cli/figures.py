"""The table that ends an evaluation, in words a curator understands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lens_core.cli.say import table

if TYPE_CHECKING:
    from lens_core.evaluation.evaluation import Evaluation

_ASKED = {
    "folds": "Measured on photos it did not learn from (95 % interval)",
    "new_photos": "Measured on photos it has never seen (95 % interval)",
}


def table_of(found: Evaluation) -> str:
    """What was measured; the places held out below, one row each."""
    from lens_core.evaluation.words import SHARES

    main, *held_out = found.protocols
    parts = [table(_ASKED[main.name], ["", ""], _rows(main.figures))]
    if held_out:
        head = ["place", "photos", *SHARES.values()]
        rows = [
            [one.place, str(one.figures["photos"]), *(percent(one.figures[name]) for name in SHARES)]
            for one in held_out
        ]
        parts.append(table("A place it never saw, answered from its gallery", head, rows))
    return "\n\n".join(parts)


def _rows(figures: dict[str, Any]) -> list[list[str]]:
    from lens_core.evaluation.words import SHARES, UNKNOWN

    rows = [["exhibits' photos", str(figures["photos"])]]
    rows += [[words, percent(figures[name])] for name, words in SHARES.items()]
    rows.append(["mean average precision", plain(figures["map"])])
    rows.append(["calibration error", plain(figures["calibration_error"])])
    for kind, of_kind in figures["unknown"].items():
        rows.append([f"{UNKNOWN[kind]}: accepted", percent(of_kind["accepted"])])
        rows.append(["  AUROC", plain(of_kind["auroc"])])
        rows.append(["  accepted where 95 % of exhibits are", percent(of_kind["fpr95"])])
    return rows


def percent(figure: dict[str, Any]) -> str:
    return f"{figure['value']:.1%} ({figure['low']:.1%} - {figure['high']:.1%})"


def plain(figure: dict[str, Any]) -> str:
    return f"{figure['value']:.3f} ({figure['low']:.3f} - {figure['high']:.3f})"
