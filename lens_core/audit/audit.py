"""``validate-data``: can these photos be trained on, and what should be looked at?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lens_core.audit.copied import copied
from lens_core.audit.look import Look, look_at
from lens_core.audit.readiness import readiness
from lens_core.audit.remarks import LEVELS, Audit, ItemReport, Level, PhotoPair, PhotoReport, Remark
from lens_core.audit.seen import Seen
from lens_core.audit.strays import strays
from lens_core.audit.twins import twins
from lens_core.audit.variety import variety
from lens_core.contracts import Finding
from lens_core.errors import DataError, TooFewPhotosError
from lens_core.photos import metadata
from lens_core.photos.layout import Dataset, PhotoFile
from lens_core.photos.quality import QualityChecks
from lens_core.progress import Progress, no_progress

_NOTICEABLE = 0.25
"""Severity from which somebody should look at what a quality checker found."""


def check_counts(dataset: Dataset, min_images: int) -> None:
    """Raise TooFewPhotosError (E110), listing the items and their counts."""
    few = {label: count for label, count in dataset.counts().items() if count < min_images}
    if few:
        listed = ", ".join(f"{place}/{item} ({count})" for (place, item), count in few.items())
        raise TooFewPhotosError(f"Fewer than {min_images} photos: {listed}.")


def audit(
    dataset: Dataset,
    min_images: int,
    progress: Progress = no_progress,
    checks: QualityChecks | None = None,
) -> Audit:
    """Open every photo once; report what cannot be used and what should be looked at."""
    checks = checks or QualityChecks.enabled()
    readable: list[tuple[PhotoFile, Look]] = []
    unreadable: list[tuple[PhotoFile, DataError]] = []
    looks = look_at([photo.path for photo in dataset.photos], checks)
    for done, (photo, look) in enumerate(zip(dataset.photos, looks, strict=True), 1):
        if isinstance(look, DataError):
            unreadable.append((photo, look))
        else:
            readable.append((photo, look))
        progress(done, len(dataset.photos))
    seen = Seen.of(dataset, *zip(*readable, strict=True)) if readable else None
    remarks = [
        *_too_few(dataset, min_images),
        *(_unreadable(dataset, photo, error) for photo, error in unreadable),
        *(_of_all_photos(seen, dataset) if seen else ()),
        *(remark for photo, look in readable for remark in _of_one_photo(dataset.inside(photo), look)),
        *_of_the_collection(dataset, checks),
    ]
    return Audit(
        tuple(_items(dataset, seen)),
        tuple(sorted(remarks, key=lambda remark: LEVELS.index(remark.level))),
        tuple(_pairs(dataset, seen)) if seen else (),
        tuple(error for _, error in unreadable),
        tuple(
            PhotoReport(dataset.inside(photo), look.width, look.height, look.lightness)
            for photo, look in readable
        ),
    )


def _too_few(dataset: Dataset, min_images: int) -> Iterator[Remark]:
    for (place, item), count in dataset.counts().items():
        if count < min_images:
            text = f"{count} photos; {min_images} are the least"
            yield Remark("error", "too_few", text, f"{place}/{item}")


def _unreadable(dataset: Dataset, photo: PhotoFile, error: DataError) -> Remark:
    path = dataset.inside(photo)
    return Remark("error", error.code, error.what.replace(str(photo.path), path), path)


def _of_all_photos(seen: Seen, dataset: Dataset) -> Iterator[Remark]:
    yield from copied(seen, dataset)
    yield from strays(seen, dataset)
    yield from twins(seen)
    yield from variety(seen)


def _of_one_photo(path: str, look: Look) -> Iterator[Remark]:
    for note in look.notes:
        yield Remark("note", "how_read", note, path)
    for finding in look.findings:
        yield _found(finding, path)


def _of_the_collection(dataset: Dataset, checks: QualityChecks) -> Iterator[Remark]:
    for finding in checks.check_dataset(dataset):
        yield _found(finding, finding.where)
    for name in metadata.read(dataset.root).unmatched(dataset):
        yield Remark("warning", "metadata", f"{metadata.NAME} speaks of it, and it is not there", name)
    for failure in checks.failures.values():
        yield Remark("warning", "checker", str(failure), "")


def _found(finding: Finding, path: str) -> Remark:
    text = f"{finding.hints.get('en', finding.check)} (severity {finding.severity:.2f})"
    level: Level = "warning" if finding.severity >= _NOTICEABLE else "note"
    return Remark(level, finding.check, text, path, finding=finding)


def _items(dataset: Dataset, seen: Seen | None) -> Iterator[ItemReport]:
    for number, ((place, item), count) in enumerate(dataset.counts().items()):
        shots = len(np.unique(seen.shots[seen.rows_of(number)])) if seen else 0
        yield ItemReport(place, item, count, shots, readiness(seen, number) if seen else None)


def _pairs(dataset: Dataset, seen: Seen) -> Iterator[PhotoPair]:
    for pair in seen.pairs:
        first, second = (dataset.inside(seen.photos[row]) for row in (pair.first, pair.second))
        yield PhotoPair(first, second, pair.kind, pair.mirrored)
