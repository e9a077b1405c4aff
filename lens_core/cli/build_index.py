"""``ai-lens build-index``: photos of a place -> a gallery."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lens_core.cli import choices, options


class GalleryKind(StrEnum):
    """What the gallery keeps of an item."""

    SAMPLES = "samples"
    PROTOTYPES = "prototypes"


def build_index(
    context: typer.Context,
    model: options.Model,
    place: Annotated[str, typer.Option(help="The place the photos are of.")],
    save: Annotated[Path, typer.Option(help="The gallery file to write, for example A.index.")],
    data_root: options.DataRoot = None,
    index: options.Index = None,
    index_option: options.IndexOption = None,
    runtime_option: options.RuntimeOption = None,
    gallery: Annotated[
        GalleryKind, typer.Option(help="Every photo, or one mean per item.")
    ] = GalleryKind.SAMPLES,
) -> None:
    """Embed the photos of a place, trained or not, and save them ready to be searched."""
    from lens_core.artifacts.atomic import check_replaces, check_writable
    from lens_core.artifacts.gallery_file import looks_like_one
    from lens_core.cli.say import say, stages, warn
    from lens_core.photos import metadata
    from lens_core.photos.curated import keep
    from lens_core.photos.layout import find_place, nfc
    from lens_core.runtime import indexes
    from lens_core.runtime.enroll import build_gallery
    from lens_core.runtime.lens import Lens

    settings = choices.settings(
        context,
        index=index,
        index_options=options.key_values(index_option),
        runtime_options=options.key_values(runtime_option),
    )
    root = data_root or choices.of(context).data_root
    photos = keep(find_place(root, place), settings.curation, root, {nfc(place)})
    described = metadata.read(photos[0].path.parents[2]).descriptions()  # data/place/item/photo
    check_writable(save)
    check_replaces(save, "a gallery", looks_like_one)
    lens = Lens(model, runtime_options=settings.runtime_options, tell=say)
    for warning in lens.warnings:
        warn(warning)
    # A mistake in the options shows at once.
    indexes.make(settings.index, settings.index_options, lens.manifest.embedding_dim)
    with stages() as stage:
        built = build_gallery(lens, photos, stage("Embedding the photos"), described)
    built = built.prototypes() if gallery is GalleryKind.PROTOTYPES else built
    indexes.write_file(save, built, lens.manifest.embedding_id, settings.index, settings.index_options)
    say(f"{save}: {len(built)} vectors of {len(built.items)} items, {settings.index} index")
