"""``ai-lens``: the front of the command line and the list of its commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lens_core.cli import (
    bench,
    build_index,
    checklist,
    compare,
    config,
    demo,
    evaluate,
    export,
    infer,
    infer_batch,
    options,
    plugins,
    reproduce,
    runs,
    train,
    tune,
    validate_data,
    whole_job,
)
from lens_core.cli.choices import Choices

app = typer.Typer(
    name="ai-lens",
    help="Which exhibit is in this photo, and how sure - or: please take it again.\n\n"
    "Without a command: the whole job on ./data (validate, train, evaluate, index, export), "
    "into ./runs/<date>.",
    rich_markup_mode=None,  # rich's panels cost 0.1 s at every start
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("validate-data")(validate_data.validate_data)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("tune")(tune.tune)
app.command("compare")(compare.compare)
app.command("checklist")(checklist.checklist)
app.command("runs")(runs.runs)
app.command("reproduce")(reproduce.reproduce)
app.command("build-index")(build_index.build_index)
app.command("infer")(infer.infer)
app.command("infer-batch")(infer_batch.infer_batch)
app.command("export")(export.export)
app.command("bench")(bench.bench)
app.command("config")(config.config)
app.command("demo")(demo.demo)
app.add_typer(plugins.app, name="plugins")


def command(args: list[str]) -> Any:
    """Run one command; usage errors print the usage and exit with 2."""
    return typer.main.get_command(app)(args)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"ai-lens {version('ai-lens-helper')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def front(
    context: typer.Context,
    config: options.Config = None,
    data_root: options.DataRoot = None,
    save_dir: Annotated[
        Path | None, typer.Option(help="Where the whole job writes. [default: ./runs/<date>]")
    ] = None,
    backbone: options.Backbone = None,
    weights: options.Weights = None,
    index: options.Index = None,
    loss: options.Loss = None,
    min_images: options.MinImages = None,
    finetune: options.Finetune = None,
    ood: options.Ood = None,
    lang: options.Lang = None,
    strip_pii: Annotated[
        bool | None,
        typer.Option("--strip-pii", help="Write no personal paths. (Photos' EXIF is never passed on.)"),
    ] = None,
    # These two are taken by main(), wherever they stand; here they are only for --help.
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Results and errors only.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback when something fails.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    context.obj = choices = Choices(
        config,
        data_root,
        save_dir,
        ood,
        {
            "backbone": backbone,
            "weights": str(weights) if weights else None,
            "index": index,
            "loss": loss,
            "min_images": min_images,
            "finetune": finetune,
            "lang": lang,
            "strip_pii": strip_pii,
        },
    )
    if context.invoked_subcommand is None:
        whole_job.whole_job(choices)
