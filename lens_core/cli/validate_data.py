"""``ai-lens validate-data``: can these photos be trained on?"""

from __future__ import annotations

import json
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
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Check the photo folders: layout, counts, unreadable files, near-duplicates, photo quality, balance."""
    from lens_core.photos.curated import scan_curated

    settings = choices.settings(
        context,
        config,
        min_images=min_images,
        quality=quality,
        quality_options=options.by_plugin(quality_option),
    )
    root = data_root or choices.of(context).data_root
    check(scan_curated(root, settings.curation, place or ()), settings, as_json)


def check(dataset: Dataset, settings: Settings, as_json: bool = False) -> None:
    """Audit and print; raises the error that would stop training."""
    from lens_core.audit.audit import audit, check_counts
    from lens_core.cli.say import stages
    from lens_core.photos.quality import QualityChecks

    checks = QualityChecks.enabled(settings.quality, settings.quality_options)
    with stages() as stage:
        found = audit(dataset, settings.min_images, stage("Checking the photos"), checks)
    print(json.dumps(found.to_dict(), ensure_ascii=False, indent=1) if as_json else _table(found))
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
    if found.remarks:
        remarks = [[r.level, r.check, r.path, r.text] for r in found.remarks]
        parts.append(table("Remarks", ["", "check", "where", "what"], remarks))
    counts = {level: len(found.of_level(level)) for level in ("error", "warning", "note")}
    parts.append(", ".join(f"{count} {level}s" for level, count in counts.items()))
    return "\n\n".join(parts)
