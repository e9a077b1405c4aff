"""``ai-lens evaluate``: how good is it, honestly?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lens_core.cli import choices, options, validate_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lens_core.audit.remarks import Audit
    from lens_core.evaluation.embedding_map import Method
    from lens_core.evaluation.evaluation import Evaluation
    from lens_core.settings import Lang, Settings


class MapKind(StrEnum):
    """How the map of photos is laid out."""

    TSNE = "tsne"
    UMAP = "umap"


def evaluate(
    context: typer.Context,
    data_root: options.DataRoot = None,
    model: Annotated[
        Path | None,
        typer.Option(help="Examine this model. [default: models made with these settings]"),
    ] = None,
    folds: Annotated[
        int | None, typer.Option(min=2, help="Hold out every photo once, in so many parts. [default: 5]")
    ] = None,
    holdout_place: Annotated[
        list[str] | None,
        typer.Option(help="Hold out this place only; may be repeated. [default: each in turn]"),
    ] = None,
    ood: options.Ood = None,
    untrained: options.Untrained = None,
    save_dir: Annotated[
        Path | None,
        typer.Option(help="Where the report goes. [default: the model's folder, or ./runs/<date>]"),
    ] = None,
    config: options.Config = None,
    backbone: options.Backbone = None,
    weights: options.Weights = None,
    finetune: options.Finetune = None,
    min_images: options.MinImages = None,
    seed: Annotated[int | None, typer.Option(help="Of the parts and the intervals. [default: 42]")] = None,
    map_kind: Annotated[
        MapKind, typer.Option("--map", help="How the map of photos is laid out; umap needs its extra.")
    ] = MapKind.TSNE,
    require: Annotated[
        list[str] | None,
        typer.Option(help="Exit with 9 unless this holds, for example 'top1>=0.9'; may be repeated."),
    ] = None,
    lang: Annotated[str | None, typer.Option(help="Language of the report: ko or en. [default: ko]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary for programs.")] = False,
) -> None:
    """Measure on photos that were not learned from, and write report.html, summary.json, answers.jsonl."""
    import json

    from lens_core.cli.say import warn
    from lens_core.cli.train import default_run_folder
    from lens_core.errors import REQUIREMENT_NOT_MET, needing
    from lens_core.runtime.folders import folder_of

    front = choices.of(context)
    for name, given in {"backbone": backbone, "weights": weights, "finetune": finetune}.items():
        if model and (given or front.flags.get(name)):
            raise typer.BadParameter("a model is as it was trained: not with --model", param_hint=f"--{name}")
    settings = choices.settings(
        context,
        config,
        backbone=backbone,
        weights=str(weights) if weights else None,
        finetune=finetune,
        min_images=min_images,
        seed=seed,
        lang=lang,
    )
    with needing("evaluating", "standard"):
        from lens_core.evaluation.requirements import Requirement, unmet
    required = [Requirement.read(text) for text in require or ()]
    folder = save_dir or front.save_dir or (folder_of(model) if model else default_run_folder())
    found = run_evaluation(
        settings,
        data_root or front.data_root,
        model,
        folder,
        folds=folds,
        places=holdout_place,
        ood=ood or front.ood,
        untrained=untrained,
        method=map_kind.value,
    )
    figures = leave(found, folder, settings.lang, show=not as_json)
    if as_json:
        print(json.dumps(figures, ensure_ascii=False, indent=1))
    short = unmet(required, figures)
    for text in short:
        warn(text)
    if short:
        raise typer.Exit(REQUIREMENT_NOT_MET)


def leave(found: Evaluation, folder: Path, lang: Lang, show: bool = True) -> dict[str, Any]:
    """Write the report and what belongs to it, print the table, and return the summary."""
    from lens_core.cli.figures import table_of
    from lens_core.cli.say import say, warn
    from lens_core.evaluation import assemble

    figures = assemble.write(found, folder, lang)
    for warning in found.warnings:
        warn(warning)
    if show:
        print(table_of(found))
    say(f"Look at {folder / assemble.REPORT}")
    return figures


def run_evaluation(
    settings: Settings,
    data_root: Path,
    model: Path | None,
    folder: Path,
    *,
    folds: int | None = None,
    places: Sequence[str] | None = None,
    ood: Path | None = None,
    untrained: Path | None = None,
    method: Method = "tsne",
    audited: Audit | None = None,
) -> Evaluation:
    """Ask and measure, with progress bars, what will be written to ``folder``.

    ``audited`` is what an audit of the photos has found already.
    """
    from lens_core.artifacts.atomic import check_writable
    from lens_core.artifacts.runs import CHECKPOINT
    from lens_core.audit.audit import check_counts
    from lens_core.cli.say import say, stages, warn
    from lens_core.errors import needing
    from lens_core.evaluation import assemble
    from lens_core.evaluation.visit import visit
    from lens_core.photos.curated import scan_curated
    from lens_core.photos.strays import find_strays
    from lens_core.runtime.lens import Lens
    from lens_core.runtime.material import photos_to_ask

    lens, own = Lens(model, tell=say) if model else None, True
    if model and lens:
        for warning in lens.warnings:
            warn(warning)
        to_ask = photos_to_ask(data_root, lens, settings.curation, bool(folds or places))
        dataset, own = to_ask.dataset, to_ask.learned_from
        if to_ask.warning:
            warn(to_ask.warning)
    else:
        dataset = scan_curated(data_root, settings.curation)
        check_counts(dataset, settings.min_images)
    strays = find_strays(dataset, data_root, ood, untrained)
    check_writable(folder / assemble.REPORT)
    audited = audited or validate_data.look(dataset, settings)
    with stages() as stage:
        if lens and not own:
            seed = settings.seed
            measured = visit(lens, dataset, strays, seed, stage).measured(lens, dataset, seed)
        else:
            with needing("evaluating", "standard"):
                from lens_core.training.experiment import Subject, examine
                from lens_core.training.split import FOLDS
            if model and lens:
                # Of a folder the fastest file was opened; models can be made from its checkpoint alone.
                inside = model / CHECKPOINT
                subject = Subject.of_checkpoint(inside if inside.exists() else lens.path)
            else:
                subject = Subject.of_settings(settings)
            count = folds or FOLDS
            found = examine(subject, dataset, strays, fold_count=count, places=places, stage=stage)
            measured = found.measured()
        stage("Drawing the map of photos")
        return assemble.evaluation(dataset, strays, measured, audited, method)
