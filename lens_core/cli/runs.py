"""``ai-lens runs``: which models were trained here, and how do they differ?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lens_core.artifacts.history import Run

FIGURES = {
    "top1": "top-1",
    "answered_right": "right",
    "answered_wrong": "wrong",
    "look_alike.auroc": "AUROC look-alikes",
    "other_place.auroc": "AUROC other places",
}


def runs(
    run: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN]...", help="Show in what these runs differ.")
    ] = None,
    root: Annotated[Path, typer.Option(help="The folder in which the runs lie.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the runs in ./runs, or show in what some of them differ. Figures are those of training."""
    import json

    from lens_core.artifacts.history import below, differences, load
    from lens_core.cli.say import warn
    from lens_core.errors import BadSettingError

    if run and len(run) == 1:
        raise BadSettingError(
            "One run differs from nothing.", "Name two or more; without any, all are listed."
        )
    found = [load(folder) for folder in run] if run else below(root, warn)
    if as_json:
        print(json.dumps([_as_dict(one) for one in found], ensure_ascii=False, indent=1))
    elif run:
        print(_compared(found, differences(found)))
    elif found:
        print(_listed(found, root))
    else:
        from lens_core.cli.say import say

        say(f"There are no runs in {root}.")


def _listed(found: Sequence[Run], root: Path) -> str:
    from lens_core.cli.say import table

    head = ["run", "version", "started", "backbone", "exhibits", "photos", *FIGURES.values(), "took"]
    return table(f"Runs in {root}", head, [_row(one) for one in found])


_HOW = {"none": ", frozen", "last": ", last layers tuned", "all": ", fine-tuned", "auto": ""}


def _row(run: Run) -> list[str]:
    about = run.manifest if run.record.state == "done" else None
    settings = run.record.settings
    how = _HOW[about.settings.get("finetune", "none") if about else settings.get("finetune", "auto")]
    return [
        run.folder.name,
        about.model_version if about else run.record.state,
        run.record.origin.started[:16].replace("T", " "),
        f"{settings.get('backbone')}{how}",
        str(len(about.classes)) if about else "",
        str(about.provenance.get("photos", "")) if about else "",
        *(_number(run.value(name)) if about else "" for name in FIGURES),
        f"{run.record.seconds:.0f} s" if run.record.seconds is not None else "",
    ]


def _compared(found: Sequence[Run], different: dict[str, list[Any]]) -> str:
    from lens_core.cli.say import table

    head = ["", *(str(run.folder) for run in found)]
    rows = [["version", *(run.manifest.model_version if run.manifest else "none" for run in found)]]
    rows += [[words, *(_number(run.value(name)) for run in found)] for name, words in FIGURES.items()]
    figures = table("Figures of training; whether a difference is clear tells ai-lens compare", head, rows)
    if not different:
        return f"{figures}\n\nSettings, photos and software are the same."
    return (
        f"{figures}\n\n{table('What differs', head, [_shown(name, row) for name, row in different.items()])}"
    )


def _shown(name: str, values: list[Any]) -> list[str]:
    return [name, *("-" if value is None else f"{value!s:.60}" for value in values)]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _as_dict(run: Run) -> dict[str, Any]:
    import attrs

    about = run.manifest
    return {
        "run": str(run.folder),
        "model_version": about.model_version if about else None,
        **attrs.asdict(run.record),
        "provenance": about.provenance if about else None,
        "metrics": run.figures,
    }
