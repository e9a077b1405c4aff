"""``ai-lens infer-batch``: a folder of photos -> one JSON line each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from lens_core.cli import choices, options

if TYPE_CHECKING:
    from collections.abc import Iterator


def infer_batch(
    context: typer.Context,
    model: options.Model,
    place: options.Place,
    input_dir: Annotated[Path, typer.Option(help="The folder of photos.")],
    output: Annotated[str, typer.Option(help="The .jsonl file to write; - is standard output.")] = "-",
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
) -> None:
    """Answer every photo of a folder. Exits with 6 when some could not be read; their lines say why."""
    from lens_core.artifacts.atomic import atomic_path, check_writable
    from lens_core.cli.say import stages, warn
    from lens_core.errors import BATCH_HAD_FAILURES, LayoutError
    from lens_core.photos.layout import list_photos
    from lens_core.runtime.batch import infer_batch

    if not input_dir.is_dir():
        raise LayoutError(f"There is no folder {input_dir}.", "Pass --input-dir a folder of photos.")
    photos = list_photos(input_dir)
    if not photos:
        raise LayoutError(f"{input_dir} holds no photos.", "Pass --input-dir a folder of photos.")
    if output != "-":
        check_writable(Path(output))
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
    with stages() as stage:
        answers = infer_batch(
            lens,
            place,
            photos,
            reject_threshold=reject_threshold,
            topk=topk,
            strip_pii=choices.settings(context).strip_pii,
            progress=stage("Answering"),
        )
        if output == "-":
            failed = _write(answers, sys.stdout)
        else:
            with (
                atomic_path(Path(output)) as temporary,
                temporary.open("w", encoding="utf-8", newline="\n") as file,
            ):
                failed = _write(answers, file)
    for warning in lens.warnings:
        warn(warning)
    if failed:
        warn(f"{failed} of {len(photos)} photos could not be read; their lines say why.")
        raise typer.Exit(BATCH_HAD_FAILURES)


def _write(answers: Iterator[dict[str, Any]], file: TextIO) -> int:
    """Write the lines; returns how many are errors."""
    from lens_core.runtime.batch import to_line

    failed = 0
    for answer in answers:
        file.write(to_line(answer))
        failed += "error" in answer
    return failed
