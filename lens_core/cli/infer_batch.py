"""``ai-lens infer-batch``: a folder or a list of photos -> one JSON line each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lens_core.cli import choices, options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lens_core.runtime.batch import Batch


MOST_BYTES = 1 << 28
"""Of a list of photos: a million of them, with long names."""


def infer_batch(
    context: typer.Context,
    model: options.Model,
    place: options.Place,
    input_dir: Annotated[Path | None, typer.Option(help="The folder of photos.")] = None,
    input_list: Annotated[
        str | None, typer.Option(help="A file that names one photo per line; - is standard input.")
    ] = None,
    output: Annotated[str, typer.Option(help="The .jsonl file to write; - is standard output.")] = "-",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Photos worked on at a time. [default: one per core]")
    ] = None,
    keep_decoded: Annotated[
        bool,
        typer.Option(
            "--keep-decoded",
            help="Keep decoded photos in the cache folder, 2 MB each, for the next run over them.",
        ),
    ] = False,
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
    """Answer many photos. Exits with 6 when some could not be read; their lines say why.

    Run again after it was stopped, it goes on where it was.
    """
    from lens_core.cli.say import warn
    from lens_core.contracts import MOST_THREADS
    from lens_core.errors import BATCH_HAD_FAILURES
    from lens_core.parallel import cores
    from lens_core.photos.decode import decode
    from lens_core.runtime.batch import Batch
    from lens_core.runtime.decoded import DecodedPhotos

    photos = _photos(input_dir, input_list)
    keeping = DecodedPhotos() if keep_decoded else None
    if keeping:
        keeping.check()
    lens = choices.open_lens(
        context,
        model,
        index_file,
        index=index,
        index_option=index_option,
        runtime_option=runtime_option,
        at_once=min(workers or cores(), len(photos), MOST_THREADS),
        quality=quality,
        quality_option=quality_option,
        lang=lang,
        describe=describe,
    )
    settings = choices.settings(context)
    batch = Batch(
        lens,
        place,
        reject_threshold=reject_threshold,
        topk=topk,
        strip_pii=settings.strip_pii,
        read=keeping or decode,
    )
    failed = _print(batch, photos) if output == "-" else _write(batch, photos, Path(output))
    for warning in lens.warnings:
        warn(warning)
    if failed:
        warn(f"{failed} of {len(photos)} photos could not be read; their lines say why.")
        raise typer.Exit(BATCH_HAD_FAILURES)


def _photos(folder: Path | None, names: str | None) -> list[Path]:
    """The photos to ask about. Raises LayoutError (E100) where there are none."""
    from lens_core.errors import LayoutError
    from lens_core.photos.listing import list_photos

    if folder and not names:
        if not folder.is_dir():
            raise LayoutError(f"There is no folder {folder}.", "Check --input-dir.")
        photos, advice = list_photos(folder), "Pass --input-dir a folder of photos."
    elif names and not folder:
        photos, advice = _named(names), "Write one path per line."
    else:
        raise typer.BadParameter("name the photos by either --input-dir or --input-list")
    if not photos:
        raise LayoutError(f"There are no photos in {folder or names}.", advice)
    return photos


def _named(names: str) -> list[Path]:
    from lens_core.cli.say import warn
    from lens_core.photos.listing import named_photos

    photos = named_photos(_read(names))
    once = list(dict.fromkeys(photos))
    if len(once) < len(photos):
        warn(f"{len(photos) - len(once)} lines name a photo again: each photo is answered once.")
    return once


def _read(names: str) -> bytes:
    from lens_core.cli.say import stdin_bytes
    from lens_core.errors import LayoutError

    if names == "-":
        listed = stdin_bytes(MOST_BYTES)
    else:
        try:
            with Path(names).open("rb") as file:
                listed = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise LayoutError(
                f"{names} cannot be read: {error.strerror}.", "Name a list of photos."
            ) from error
    if len(listed) > MOST_BYTES:
        raise LayoutError(f"{names} is longer than any list of photos.", "Name a list of photos.")
    return listed


def _print(batch: Batch, photos: Sequence[Path]) -> int:
    """Returns how many could not be read."""
    from lens_core.cli.say import stages
    from lens_core.runtime.batch import to_line

    failed = 0
    with stages() as stage:
        for answer in batch.answers(photos, stage("Answering")):
            print(to_line(answer), end="", flush=True)
            failed += "error" in answer
    return failed


def _write(batch: Batch, photos: Sequence[Path], output: Path) -> int:
    """The same into a file, going on where an earlier process was stopped."""
    from lens_core.cli.say import say, stages
    from lens_core.runtime.ledger import ledger_of

    batch.check()
    with ledger_of(output, batch.identity) as ledger:
        missing = ledger.missing(photos, batch.called)
        if len(missing) < len(photos):
            say(f"{len(photos) - len(missing)} of {len(photos)} photos were answered before; going on.")
        with stages() as stage:
            for answer in batch.answers(missing, stage("Answering")):
                ledger.write(answer)
        return ledger.failed
