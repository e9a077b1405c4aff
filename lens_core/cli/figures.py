"""The table that ends an evaluation, in words a curator understands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lens_core.cli.say import table

if TYPE_CHECKING:
    from lens_core.evaluation.evaluation import Evaluation

UNKNOWN = {
    "look_alike": "exhibits of the place, each treated as unknown in turn",
    "untrained": "exhibits of the place it was not shown",
    "other_place": "other places' exhibits",
    "ood": "photos that show no exhibit",
}
_ASKED = {
    "folds": "photos it did not learn from",
    "new_photos": "photos it has never seen",
    "holdout": "a place it never saw:",
}
_SHARES = {
    "top1": "right item first (top-1)",
    "top3": "right item among the first 3",
    "answered_right": "answered rightly",
    "answered_wrong": "answered wrongly",
    "retaken": "asked to be retaken",
}


def table_of(found: Evaluation) -> str:
    """What was measured, one column for each way of asking."""
    protocols = found.protocols
    head = ["", *(f"{_ASKED[one.name]} {one.place}".strip() for one in protocols)]
    rows = [["exhibits' photos", *(str(one.figures["photos"]) for one in protocols)]]
    for name, words in _SHARES.items():
        rows.append([words, *(percent(one.figures[name]) for one in protocols)])
    rows.append(["mean average precision", *(plain(one.figures["map"]) for one in protocols)])
    rows.append(["calibration error", *(plain(one.figures["calibration_error"]) for one in protocols)])
    for kind, words in UNKNOWN.items():
        of_kind = [one.figures["unknown"].get(kind) for one in protocols]
        if any(of_kind):
            rows.append([f"accepted: {words}", *(percent(one["accepted"]) if one else "" for one in of_kind)])
            for name in ("auroc", "fpr95"):
                rows.append([f"  {_RANKED[name]}", *(plain(one[name]) if one else "" for one in of_kind)])
    return table("Measured (95 % interval)", head, rows)


_RANKED = {"auroc": "AUROC", "fpr95": "accepted where 95 % of exhibits are"}


def percent(figure: dict[str, Any]) -> str:
    return f"{figure['value']:.1%} ({figure['low']:.1%} - {figure['high']:.1%})"


def plain(figure: dict[str, Any]) -> str:
    return f"{figure['value']:.3f} ({figure['low']:.3f} - {figure['high']:.3f})"
