"""``ai-lens validate-data``: can these photos be trained on?"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lens_core.cli import choices, options

if TYPE_CHECKING:
    from lens_core.audit.remarks import Audit
    from lens_core.photos.layout import Dataset
    from lens_core.settings import Settings


def validate_data(
    context: typer.Context,
    data_root: options.DataRoot = None,
    place: options.Places = None,
    min_images: options.MinImages = None,
    quality: options.Quality = None,
    quality_option: options.QualityOption = None,
    config: options.Config = None,
    lang: Annotated[str | None, typer.Option(help="Language of the page: ko or en. [default: ko]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    html: Annotated[
        Path | None, typer.Option(help="Write a page that shows the photos. Needs no network.")
    ] = None,
    suggest: Annotated[
        Path | None, typer.Option(help="Write what should be changed as settings, each with its reason.")
    ] = None,
) -> None:
    """Check the photos: layout, counts, unreadable files, copies, misfiled photos, twins, quality, variety.

    Exit status: 0 clean, 8 warnings, 3 errors that training would refuse.
    """
    from lens_core.artifacts.atomic import check_replaces, check_writable
    from lens_core.audit.curation import write_suggestion
    from lens_core.audit.page import write_page
    from lens_core.cli.say import say
    from lens_core.errors import PHOTOS_HAVE_WARNINGS, BadSettingError
    from lens_core.photos.curated import scan_curated

    settings = choices.settings(
        context,
        config,
        min_images=min_images,
        quality=quality,
        quality_options=options.by_plugin(quality_option),
        lang=lang,
    )
    root = data_root or choices.of(context).data_root
    dataset = scan_curated(root, settings.curation, place or ())
    for path in filter(None, (html, suggest)):
        if path == Path("-"):
            raise BadSettingError("Standard output carries what was found already.", "Name a file.")
        check_writable(path)
    if html:
        check_replaces(html, "a page", lambda begin: begin.lower().startswith(b"<!doctype html"))
    if suggest:
        check_replaces(suggest, "settings", lambda begin: b"\0" not in begin)
    found = look(dataset, settings)
    if html:
        write_page(found, dataset, html, settings.lang)
    if suggest:
        write_suggestion(found, dataset, settings, suggest)
        say(f"Next: look through {suggest}, then ai-lens train --data-root {root} --config {suggest}")
    show(found, as_json)
    refuse(found, dataset, settings)
    if found.of_level("warning"):
        raise typer.Exit(PHOTOS_HAVE_WARNINGS)


def look(dataset: Dataset, settings: Settings) -> Audit:
    """Audit the photos with a progress bar."""
    from lens_core.audit.audit import audit
    from lens_core.cli.say import stages
    from lens_core.photos.quality import QualityChecks

    checks = QualityChecks.enabled(settings.quality, settings.quality_options)
    with stages() as stage:
        return audit(dataset, settings.min_images, stage("Checking the photos"), checks)


def show(found: Audit, as_json: bool = False) -> None:
    """Print what was found."""
    print(json.dumps(found.to_dict(), ensure_ascii=False, indent=1) if as_json else _table(found))


def refuse(found: Audit, dataset: Dataset, settings: Settings) -> None:
    """Raise the error that would stop training."""
    from lens_core.audit.audit import check_counts

    if found.unreadable:
        raise found.unreadable[0]
    check_counts(dataset, settings.min_images)


def _table(found: Audit) -> str:
    from lens_core.cli.say import table

    items = [
        [i.place, i.item, str(i.photos), str(i.shots), "?" if i.readiness is None else str(i.readiness)]
        for i in found.items
    ]
    parts = [table(f"{found.photos} photos", ["place", "item", "photos", "shots", "readiness"], items)]
    shown = [remark for remark in found.remarks if remark.level != "note"]
    if shown:
        remarks = [[r.level, r.check, r.path, r.text] for r in shown]
        parts.append(table("Remarks", ["", "check", "where", "what"], remarks))
    counts = {level: len(found.of_level(level)) for level in ("error", "warning", "note")}
    parts.append(", ".join(f"{count} {level}s" for level, count in counts.items()) + _of_notes(found))
    return "\n\n".join(parts)


def _of_notes(found: Audit) -> str:
    """What the notes are about, which the table leaves out."""
    kinds = Counter(remark.check for remark in found.of_level("note"))
    return f" ({', '.join(f'{count} {check}' for check, count in kinds.most_common())})" if kinds else ""
