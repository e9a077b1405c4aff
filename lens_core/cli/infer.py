"""``ai-lens infer``: one photo -> one JSON answer."""

from __future__ import annotations

from typing import Annotated

import typer

from lens_core.cli import choices, options, say

RECOLLECTED = 10


def infer(
    context: typer.Context,
    model: options.Model,
    place: options.Place,
    image: Annotated[str, typer.Option(help="The photo; - reads it from standard input.")],
    reject_threshold: options.Threshold = None,
    topk: options.TopK = 3,
    index_file: options.IndexFile = None,
    index: options.Index = None,
    index_option: options.IndexOption = None,
    runtime_option: options.RuntimeOption = None,
    quality: options.Quality = None,
    quality_option: options.QualityOption = None,
    lang: options.Lang = None,
    describe: options.Describe = False,
    fail_on_recollect: Annotated[
        bool, typer.Option("--fail-on-recollect", help="Exit with 10 when the answer is recollect.")
    ] = False,
) -> None:
    """Which exhibit of the place is in the photo? Prints one JSON object."""
    lens = choices.open_lens(
        context,
        model,
        index_file,
        index=index,
        index_option=index_option,
        runtime_option=runtime_option,
        quality=quality,
        quality_option=quality_option,
        lang=lang,
        describe=describe,
    )
    from lens_core.photos.bombs import MOST_BYTES

    photo = say.stdin_bytes(MOST_BYTES) if image == "-" else image
    result = lens.infer(place, photo, reject_threshold=reject_threshold, topk=topk)
    for warning in lens.warnings:
        say.warn(warning)
    print(result.to_json())
    if fail_on_recollect and not result.accepted:
        raise typer.Exit(RECOLLECTED)
