"""The page a curator opens: how ready each item is, what to mend, and the photos that show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

from attrs import frozen

from lens_core.artifacts.atomic import atomic_write
from lens_core.audit.kinds import Kind, kinds
from lens_core.audit.page_words import WORDS, counted, in_language
from lens_core.audit.remarks import Audit, ItemReport
from lens_core.pages.page import Picture, pictures, render
from lens_core.photos import metadata
from lens_core.photos.layout import Dataset
from lens_core.photos.metadata import Metadata, PlaceDetails

_MOST_NAMED = 3
"""Cameras of one item."""


@frozen
class _Row:
    """One item in the list of all."""

    report: ItemReport
    photo: str
    description: str
    taken: str
    """With what and when."""


def write_page(found: Audit, dataset: Dataset, path: Path, lang: str) -> None:
    """Write one HTML file that needs no network and no script, in ``ko`` or ``en``.

    It names photos by their paths inside the data folder and shows small copies of them without any EXIF.
    Raises NotInstalledError (E410), MetadataError (E140), CannotWriteError (E700).
    """
    about = metadata.read(dataset.root)
    found_kinds = kinds(found, dataset, lang)
    rows = {place: _rows(place, found, dataset, about, lang) for place in dataset.places}
    page = render(
        "lens_core.audit",
        "page.html",
        "page.css",
        lang=lang,
        words=WORDS[lang],
        counted=_counter(lang),
        found=found,
        verdict=next((level for level in ("error", "warning") if found.of_level(level)), "note"),
        kinds=[kind for kind in found_kinds if kind.level != "note"],
        notes=[kind for kind in found_kinds if kind.level == "note"],
        rows=rows,
        places={place: in_language(_place(about, place).description, lang) for place in dataset.places},
        photos=_photos(dataset, _shown(found_kinds, chain.from_iterable(rows.values()))),
    )
    atomic_write(path, page)


def _counter(lang: str) -> Callable[[str, int], str]:
    return lambda what, number: counted(what, number, lang)


def _place(about: Metadata, place: str) -> PlaceDetails:
    return about.places.get(place, PlaceDetails())


def _rows(place: str, found: Audit, dataset: Dataset, about: Metadata, lang: str) -> list[_Row]:
    """The items of a place, the least ready first."""
    refused = {remark.path for remark in found.of_level("error")}
    descriptions = about.descriptions().get(place, {})
    reports = [report for report in found.items if report.place == place]
    rows = []
    for report in sorted(reports, key=lambda report: (report.readiness or 0, report.photos)):
        photos = [photo for photo in dataset.photos if (photo.place, photo.item) == (place, report.item)]
        inside = [dataset.inside(photo) for photo in photos]
        details = [about.of(photo) for photo in photos]
        devices = list(dict.fromkeys(one.device for one in details if one.device))
        days = sorted({one.date for one in details if one.date})
        taken = [*devices[:_MOST_NAMED], *(["…"] if len(devices) > _MOST_NAMED else []), *_span(days)]
        readable = next((photo for photo in inside if photo not in refused), inside[0])
        description = in_language(descriptions.get(report.item, {}), lang)
        rows.append(_Row(report, readable, description, ", ".join(taken)))
    return rows


def _span(days: list[str]) -> list[str]:
    return [" – ".join(dict.fromkeys((days[0], days[-1])))] if days else []


def _shown(found: Iterable[Kind], rows: Iterable[_Row]) -> Iterator[str]:
    for row in rows:
        yield row.photo
    for kind in found:
        for exhibit in kind.shown:
            for side in exhibit.sides:
                yield from side.photos


def _photos(dataset: Dataset, shown: Iterable[str]) -> dict[str, Picture]:
    """Every photo of the page once, by its path inside the data folder."""
    wanted = set(shown)
    return pictures(
        {inside: photo.path for photo in dataset.photos if (inside := dataset.inside(photo)) in wanted}
    )
