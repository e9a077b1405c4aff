"""``ai-lens bench``: what does each file of a model cost on this machine, and which one to take?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lens_core.cli import choices

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from lens_core.bench.found import Wanted
    from lens_core.bench.report import Bench
    from lens_core.bench.row import Candidate, Measured, Row
    from lens_core.progress import Tell
    from lens_core.runtime.examine import View
    from lens_core.settings import Settings


class Precision(StrEnum):
    """What an export can be made smaller and faster in."""

    INT8 = "int8"


def bench(
    context: typer.Context,
    model: Annotated[
        Path,
        typer.Option(
            help="A run's folder, or one of its files: all that are called alike (best.*) are measured."
        ),
    ],
    data_root: Annotated[
        Path | None,
        typer.Option(help="Photos the model was trained on: adds top-1 and AUROC. [default: none]"),
    ] = None,
    ood: Annotated[
        Path | None, typer.Option(help="With them: photos that show no exhibit. [default: DATA_ROOT/ood]")
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(help="Also measure this export, made for it where it is not there; may be repeated."),
    ] = None,
    quantize: Annotated[
        Precision | None, typer.Option(help="Also those exports in int8; needs --data-root.")
    ] = None,
    img_size: Annotated[
        list[int] | None,
        typer.Option(
            min=32, help="Also at this side of the input, in pixels; may be repeated; needs --data-root."
        ),
    ] = None,
    save_dir: Annotated[
        Path | None,
        typer.Option(help="Where bench.html and bench.json go. [default: the model's folder]"),
    ] = None,
    lang: Annotated[str | None, typer.Option(help="Language of the page: ko or en. [default: ko]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all that was found for programs.")] = False,
) -> None:
    """Measure speed, memory, size and accuracy of a model's files, and recommend one of them."""
    import json

    from lens_core import plugins
    from lens_core.artifacts.atomic import check_writable, write_json
    from lens_core.bench import page, report
    from lens_core.bench.found import Wanted
    from lens_core.cli.say import say, warn
    from lens_core.errors import NotInstalledError
    from lens_core.runtime.folders import folder_of, refuse_missing

    if quantize and not to:
        raise typer.BadParameter("goes with --to NAME", param_hint="--quantize")
    front, settings = choices.of(context), choices.settings(context, lang=lang)
    photos = data_root or front.named_data_root
    for flag, given in {"--quantize": quantize, "--img-size": img_size, "--ood": ood}.items():
        if given and not photos:
            raise typer.BadParameter("needs --data-root", param_hint=flag)
    for name in to or ():
        plugins.choose("exporter", name)
    refuse_missing(model)
    folder = save_dir or front.save_dir or folder_of(model)
    check_writable(folder / report.NAME)
    exporters = tuple(dict.fromkeys(to or ()))
    wanted = Wanted(exporters, quantize, tuple(img_size or ()), photos, ood or front.ood)
    found = _measured(settings, model, wanted)
    written = found.to_dict()
    write_json(folder / report.NAME, written)
    print(json.dumps(written, ensure_ascii=False, indent=1) if as_json else _table(found))
    try:
        page.write_page(found, folder / page.NAME, settings.lang)
    except NotInstalledError as error:  # a device that only answers can be measured all the same
        warn(str(error))
    else:
        say(f"Look at {folder / page.NAME}")


def _measured(settings: Settings, model: Path, wanted: Wanted) -> Bench:
    from functools import partial

    from lens_core.bench.benchmark import Helpers, benchmark
    from lens_core.bench.report import Machine
    from lens_core.cli.say import say, stages, warn

    machine = Machine.here()
    if machine.busy:
        warn("this machine is busy with other work: measure the speed again when it is not")
    with stages() as stage:
        helpers = Helpers(partial(_made, settings), _view, say, stage)
        return benchmark(model, wanted, settings.runtime_options, machine, helpers)


def _made(
    settings: Settings, ckpt: Path, wanted: Wanted, there: Collection[str], home: Path, tell: Tell
) -> Iterable[Candidate]:
    from lens_core.cli.export import configured
    from lens_core.errors import needing

    with needing("exporting", "standard"):
        from lens_core.training.variants import make
    return make(ckpt, wanted, lambda name: configured(name, settings), there, home, tell)


def _view() -> View | None:
    """Changed views are made as training makes them, which a device that only answers cannot."""
    from lens_core.cli.say import warn
    from lens_core.errors import NotInstalledError, needing

    try:
        with needing("changing photos", "standard"):
            from lens_core.training.int8 import changed_view
    except NotInstalledError as error:
        warn(f"Each photo is asked about as it is only. {error.message}")
        return None
    return changed_view


def _table(found: Bench) -> str:
    from lens_core.bench.recommend import ALLOWED_LOSS
    from lens_core.bench.words import WORDS
    from lens_core.cli.say import table

    words, chosen = WORDS["en"], found.recommended
    keys = ("file", "precision", "size", "megabytes", "load", "network", "answer", "throughput", "peak")
    head = [*(words[key] for key in keys), words["top1_short"], words["auroc_short"]]
    title = f"Measured on {found.machine.processor}, {found.machine.cores} cores"
    parts = [table(title, head, [_row(row, row.measured) for row in found.rows if row.measured])]
    failed = [row for row in found.rows if row.failure]
    if failed:
        rows = [[row.candidate.name, row.failure.code, row.failure.message] for row in failed if row.failure]
        parts.append(table("Not measured", ["file", "", "why"], rows))
    if chosen:
        parts.append(f"{words['take'].format(file=chosen.row.candidate.name)} {chosen.why['en']}")
    else:
        parts.append(f"{words['none']} {words['none_is'].format(allowed=ALLOWED_LOSS)}")
    return "\n\n".join(parts)


def _row(row: Row, one: Measured) -> list[str]:
    return [
        row.candidate.name,
        one.precision,
        str(one.size),
        f"{one.megabytes:.1f}",
        f"{one.load_ms:.0f}",
        f"{one.network.p50:.1f} ({one.network.p95:.1f})",
        f"{one.answer.p50:.1f} ({one.answer.p95:.1f})",
        f"{one.photos_per_second:.1f}",
        "-" if one.peak_megabytes is None else f"{one.peak_megabytes:.0f}",
        _share(one.top1, row.top1_change),
        _share(one.auroc, row.auroc_change),
    ]


def _share(value: float | None, change: float | None) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.1f}" + (f" ({round(change, 1) + 0:+.1f})" if change is not None else "")
