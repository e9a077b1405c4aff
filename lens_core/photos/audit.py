"""``validate-data``: can these photos be trained on, and what should be looked at?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from attrs import frozen

from lens_core.contracts import Finding, Pixels
from lens_core.errors import DataError, TooFewPhotosError
from lens_core.photos import duplicates, metadata
from lens_core.photos.decode import decode
from lens_core.photos.layout import Dataset, PhotoFile
from lens_core.photos.quality import QualityChecks
from lens_core.progress import Progress, no_progress


@frozen
class Remark:
    """One thing found. ``level`` is ``error`` (training refuses) or ``warning``."""

    level: str
    check: str
    text: str
    path: str
    """Inside the data folder: ``A``, ``A/ㄱ`` or ``A/ㄱ/img_001.jpg``."""


@frozen
class Audit:
    """What was found in a data folder."""

    counts: dict[tuple[str, str], int]
    remarks: tuple[Remark, ...]
    unreadable: tuple[DataError, ...]
    """Why photos cannot be used, one error each."""

    @property
    def errors(self) -> tuple[Remark, ...]:
        return tuple(remark for remark in self.remarks if remark.level == "error")

    def to_dict(self) -> dict[str, Any]:
        """For ``validate-data --json``."""
        return {
            "photos": sum(self.counts.values()),
            "items": [
                {"place": place, "item": item, "photos": count}
                for (place, item), count in self.counts.items()
            ],
            "errors": sum(remark.level == "error" for remark in self.remarks),
            "warnings": sum(remark.level == "warning" for remark in self.remarks),
            "remarks": [
                {"level": r.level, "check": r.check, "text": r.text, "path": r.path} for r in self.remarks
            ],
        }


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
    remarks = [
        Remark("error", "too_few", f"{count} photos; {min_images} are the least", f"{place}/{item}")
        for (place, item), count in dataset.counts().items()
        if count < min_images
    ]
    readable: list[PhotoFile] = []
    unreadable: list[DataError] = []
    hashes = []
    with ThreadPoolExecutor() as pool:
        examined = pool.map(lambda photo: _examine(photo, dataset, checks), dataset.photos)
        for done, (photo, looked) in enumerate(zip(dataset.photos, examined, strict=True), 1):
            remarks += looked.remarks
            if looked.error is not None:
                unreadable.append(looked.error)
            if looked.phash is not None:
                readable.append(photo)
                hashes.append(looked.phash)
            progress(done, len(dataset.photos))
    remarks += _near_duplicates(dataset, readable, duplicates.pairs(hashes))
    remarks += [
        Remark("warning", finding.check, _describe(finding), finding.where)
        for finding in checks.check_dataset(dataset)
    ]
    remarks += [
        Remark("warning", "metadata", f"{metadata.NAME} speaks of it, and it is not there", name)
        for name in metadata.read(dataset.root).unmatched(dataset)
    ]
    remarks += [Remark("warning", "checker", str(failure), "") for failure in checks.failures.values()]
    return Audit(dataset.counts(), tuple(remarks), tuple(unreadable))


@frozen(eq=False)
class _Looked:
    remarks: list[Remark]
    phash: Pixels | None = None
    error: DataError | None = None


def _examine(photo: PhotoFile, dataset: Dataset, checks: QualityChecks) -> _Looked:
    path = dataset.inside(photo)
    try:
        decoded = decode(photo.path)
    except DataError as error:
        text = error.what.replace(str(photo.path), path)
        return _Looked([Remark("error", error.code, text, path)], error=error)
    remarks = [
        Remark("warning", finding.check, _describe(finding), path) for finding in checks.check(decoded)
    ]
    return _Looked(remarks, duplicates.phash(decoded))


def _describe(finding: Finding) -> str:
    return f"{finding.hints.get('en', finding.check)} (severity {finding.severity:.2f})"


def _near_duplicates(
    dataset: Dataset, photos: Sequence[PhotoFile], pairs: Sequence[tuple[int, int]]
) -> list[Remark]:
    """Copies within an item are harmless and counted; across items they contradict each other."""
    remarks = []
    within: Counter[tuple[str, str]] = Counter()
    for first, second in pairs:
        one, other = photos[first], photos[second]
        if (one.place, one.item) == (other.place, other.item):
            within[one.place, one.item] += 1
        else:
            text = f"nearly the same photo as {dataset.inside(other)}, which is filed under another item"
            remarks.append(Remark("warning", "contradiction", text, dataset.inside(one)))
    for (place, item), count in within.items():
        text = f"photos that are nearly the same: {count} pairs; photograph from more sides"
        remarks.append(Remark("warning", "near_duplicate", text, f"{place}/{item}"))
    return remarks
