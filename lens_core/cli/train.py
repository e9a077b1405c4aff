"""``ai-lens train``: photos -> a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from lens_core.cli import choices, options

if TYPE_CHECKING:
    from lens_core.artifacts.runs import RunRecord
    from lens_core.photos.layout import Dataset
    from lens_core.settings import Settings
    from lens_core.training.desk import TrainedRun


RUNS = Path("runs")
HARDLY_ANY = 0.1
"""Share of exhibits' photos answered rightly below which a model is of no use."""


class Order(NamedTuple):
    """What is to be trained."""

    settings: Settings
    data_root: Path
    places: tuple[str, ...] = ()
    """Empty: all."""
    ood: Path | None = None
    model_version: str | None = None
    export_onnx: bool = False

    def record(self, folder: Path) -> RunRecord:
        """For a run in this folder, started now."""
        from lens_core.artifacts.provenance import Origin
        from lens_core.artifacts.runs import RunRecord
        from lens_core.settings import flatten

        return RunRecord.of(
            folder,
            self.data_root,
            self.places,
            self.ood,
            flatten(self.settings),
            Origin.here(),
            self.model_version,
            self.export_onnx,
        )


def train(
    context: typer.Context,
    data_root: options.DataRoot = None,
    place: options.Places = None,
    save_dir: Annotated[Path | None, typer.Option(help="The run's folder. [default: ./runs/<date>]")] = None,
    config: options.Config = None,
    backbone: options.Backbone = None,
    weights: options.Weights = None,
    finetune: options.Finetune = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the photos.")] = None,
    patience: Annotated[
        int | None,
        typer.Option(min=1, help="End after so many passes that did no better on held-out photos."),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=2)] = None,
    micro_batch: Annotated[
        int | None, typer.Option(min=1, help="Photos at once: fewer need less memory, and learn the same.")
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(help="Learning rate of the backbone, where it learns. [default: 3e-4]"),
    ] = None,
    img_size: Annotated[
        int | None, typer.Option(min=32, help="Side of the input in pixels. [default: the backbone's best]")
    ] = None,
    embedding: Annotated[
        int | None, typer.Option(min=2, help="Numbers per embedding. [default: 512]")
    ] = None,
    loss: options.Loss = None,
    loss_option: options.LossOption = None,
    mining_from: Annotated[
        int | None,
        typer.Option(min=1, help="From this pass on, dwell on items that are confused with each other."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed and photos, same model. [default: 42]")] = None,
    min_images: options.MinImages = None,
    tracker: options.Trackers = None,
    tracker_option: options.TrackerOption = None,
    ood: options.Ood = None,
    model_version: Annotated[
        str | None,
        typer.Option(help="For example 2.0.0. [default: what follows from the run before]"),
    ] = None,
    export_onnx: Annotated[
        bool, typer.Option("--export-onnx", help="Also write best.onnx, which answers without PyTorch.")
    ] = False,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Go on with an interrupted run, with its photos and settings: its folder.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
) -> None:
    """Train a model that knows how sure it is, and measure it on held-out photos."""
    from lens_core.errors import BadSettingError
    from lens_core.settings import resolve

    front = choices.of(context)
    begun = _interrupted(resume) if resume else None
    flags = {
        "backbone": backbone,
        "weights": str(weights) if weights else None,
        "finetune": finetune,
        "epochs": epochs,
        "patience": patience,
        "batch_size": batch_size,
        "hardware.micro_batch": micro_batch,
        "mining_from": mining_from,
        "lr": lr,
        "img_size": img_size,
        "embedding_dim": embedding,
        "loss": loss,
        "loss_options": options.by_plugin(loss_option) or None,
        "seed": seed,
        "min_images": min_images,
        "trackers": tracker,
        "tracker_options": options.by_plugin(tracker_option) or None,
    }
    if resume and (save_dir or front.save_dir):
        raise BadSettingError("A run is resumed in its own folder.", "Leave out --save-dir.")
    if resume and (config or front.config):
        raise BadSettingError("A run is resumed with its own settings.", "Leave out --config.")
    if begun:
        model_version, export_onnx = model_version or begun.version_asked, export_onnx or begun.export_onnx
    layers = (front.flags, flags)
    given = {name: value for layer in layers for name, value in layer.items() if value is not None}
    if begun and resume:
        settings = resolve(flags=given, environ={}, begun_with=begun.settings_in(resume)).settings
    else:
        settings = front.resolve(config, **given).settings
    photos = data_root or (begun and resume and begun.data_of(resume)) or front.data_root
    places = place or (begun.places if begun else ())
    unknown = ood or (begun and resume and begun.ood_of(resume)) or front.ood
    order = Order(settings, photos, tuple(places), unknown, model_version, export_onnx)
    folder = resume or save_dir or front.save_dir or folder_for(order)
    run = run_training(order, folder)
    if export_onnx:
        from lens_core.cli.export import configured, export_to

        export_to(run.checkpoint, "onnx", run.checkpoint.with_suffix(".onnx"), configured("onnx", settings))


def _interrupted(folder: Path) -> RunRecord:
    """Raises NoRunError (E250), BadSettingError (E600) for a run that is complete."""
    from lens_core.artifacts import runs
    from lens_core.errors import BadSettingError

    record = runs.begun(folder)
    if record is None:
        runs.read(folder)
        raise BadSettingError(
            f"The run in {folder} is complete: there is nothing to resume.",
            f"Train into another folder (--save-dir), or try whether it repeats: ai-lens reproduce {folder}",
        )
    return record


def folder_for(order: Order) -> Path:
    """Where nobody has named one: that of an interrupted run of the same command, or a new one."""
    from lens_core.artifacts import runs
    from lens_core.cli.say import say

    begun = runs.interrupted(RUNS, order.record)
    if begun:
        say(f"Going on with the unfinished run in {begun}.")
    return begun or default_run_folder()


def default_run_folder() -> Path:
    """``runs/2025-10-16``, or ``-2``, ``-3`` ... when the day already has one."""
    from datetime import datetime
    from itertools import count

    day = RUNS / datetime.now().astimezone().strftime("%Y-%m-%d")
    folders = (day if number == 1 else Path(f"{day}-{number}") for number in count(1))
    return next(folder for folder in folders if not folder.is_dir() or not any(folder.iterdir()))


def run_training(order: Order, save_dir: Path) -> TrainedRun:
    """Train with progress bars and print the summary."""
    from contextlib import nullcontext

    from lens_core.artifacts import runs
    from lens_core.cli.say import helping, how_to_ask, say, stages, warn
    from lens_core.cli.summary import summary
    from lens_core.errors import need_pytorch, needing
    from lens_core.photos.curated import scan_curated
    from lens_core.photos.strays import find_strays
    from lens_core.settings import flatten, resolve

    need_pytorch("training")
    settings = order.settings
    _check_version(order.model_version)
    dataset = scan_curated(order.data_root, settings.curation, order.places)
    strays = find_strays(dataset, order.data_root, order.ood)
    _check_first(settings, dataset, save_dir)
    with needing("training", "standard"):
        from lens_core.training.train import train
    before = {path.name for path in save_dir.glob("*") if path.suffix in (".onnx", ".index")}
    record = order.record(save_dir).going_on(save_dir)
    if record.decided:
        settings = resolve(flags=flatten(settings) | record.decided, environ={}).settings
    with nullcontext() if helping() else runs.recorded(save_dir, record), stages() as stage:
        run = train(
            settings,
            dataset,
            save_dir,
            strays=strays,
            version=order.model_version,
            origin=record.origin,
            stage=stage,
            tell=say,
        )
    if run is None:
        raise typer.Exit  # this process has helped
    for warning in run.warnings:
        warn(warning)
    print(summary(run))
    point = run.manifest.operating_point
    if point and point.accepted_right < HARDLY_ANY:
        warn("this model would have nearly every photo taken again; it cannot tell these exhibits apart")
    if before:
        warn(f"from an earlier training, make again: {', '.join(sorted(before))}")
    say(f"Next: {how_to_ask(run.checkpoint, run.dataset.places[0])}")
    return run


def _check_version(version: str | None) -> None:
    """Raises BadSettingError (E600)."""
    import re

    from lens_core.errors import BadSettingError

    if version is not None and not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise BadSettingError(f"'{version}' is no semantic version.", "For example: --model-version 2.0.0")


def _check_first(settings: Settings, dataset: Dataset, save_dir: Path) -> None:
    """Whatever can be told at once, before PyTorch is loaded and before anything is computed."""
    from lens_core import plugins
    from lens_core.artifacts.atomic import check_writable
    from lens_core.audit.audit import check_counts
    from lens_core.cli.say import helping
    from lens_core.errors import BadSettingError
    from lens_core.settings import loss_terms

    check_counts(dataset, settings.min_images)
    plugins.choose("backbone", settings.backbone)
    plugins.load("index", settings.index).options(settings.index_options)
    losses = loss_terms(settings.loss)
    for loss in losses:
        plugins.load("loss", loss).options(settings.loss_options.get(loss, {}), loss)
    for loss in settings.loss_options:
        if loss not in losses:
            raise BadSettingError(
                f"loss_options: '{loss}' is not among the losses {settings.loss}.",
                "Add it to loss, or leave out its options.",
            )
    for tracker in settings.tracker_options:
        if tracker not in settings.trackers:
            raise BadSettingError(
                f"tracker_options: '{tracker}' is not among the trackers {settings.trackers}.",
                f"Add --tracker {tracker}, or leave out its options.",
            )
    for tracker in settings.trackers:
        plugins.load("tracker", tracker).options(settings.tracker_options.get(tracker, {}), tracker)
    if not helping():
        check_writable(save_dir / "best.ckpt")
