"""The gate before every export: the same real photos through the checkpoint and the export."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
from attrs import frozen
from PIL import Image, ImageOps

from lens_core.artifacts import probes
from lens_core.artifacts.manifest import Certificate
from lens_core.artifacts.probes import Probe
from lens_core.contracts import Documents, Photo
from lens_core.errors import BadSettingError, ExportMismatchError
from lens_core.photos.decode import LEAST_SIDE, decode
from lens_core.photos.layout import ood_photos
from lens_core.runtime.examine import decision
from lens_core.runtime.lens import Lens
from lens_core.runtime.material import trained_photos

TOLERANCE = {"fp32": 1e-3, "fp16": 1e-2}
"""Largest difference of any score or distance, on any photo, by precision of the export."""
_ORIENTATION = 0x0112
_TURNED = 6
"""EXIF: turn a quarter clockwise to stand upright."""
_ODD = 3
"""Photos that are also asked turned, tiny and grey."""


@frozen
class Question:
    """One photo to be asked of both."""

    name: str
    place: str
    photo: Photo


@frozen
class Difference:
    """What checkpoint and export say of one photo."""

    name: str
    place: str
    before: str | None
    """The item that the checkpoint accepts; None for ``recollect``."""
    after: str | None
    score: float
    """Largest difference of any item's score."""
    distance: float

    def agrees(self, tolerance: float) -> bool:
        return self.before == self.after and max(self.score, self.distance) <= tolerance

    def row(self) -> tuple[str, ...]:
        """As the table of differences shows it."""
        decisions = (self.before or "recollect", self.after or "recollect")
        return (self.name, self.place, *decisions, f"{self.score:.2g}", f"{self.distance:.2g}")


@frozen(eq=False)
class Gate:
    """The checkpoint, and the photos that both will be asked about."""

    checkpoint: Lens
    questions: tuple[Question, ...]
    precision: Literal["fp32", "fp16"] = "fp32"

    @classmethod
    def of(
        cls,
        checkpoint: Lens,
        data_root: Path | None,
        ood: Path | None,
        carried: Documents,
        precision: Literal["fp32", "fp16"] = "fp32",
    ) -> Gate:
        """Photos of ``data_root``; without it, those the checkpoint carries."""
        if data_root:
            carried = probes.take(trained_photos(data_root, checkpoint), ood_photos(data_root, ood))
        elif ood:
            raise BadSettingError("--ood goes with --data-root.", "Pass both, or neither.")
        asked = probes.read(carried)
        if not asked:
            raise BadSettingError(
                "The checkpoint carries no photos to check the export on.", "Pass --data-root with some."
            )
        with TemporaryDirectory() as folder:
            return cls(checkpoint, tuple(_questions(asked, Path(folder))), precision)

    def check(self, export: Lens) -> Certificate:
        """Raises ExportMismatchError (E230) with the table of differences."""
        found = compare(self.checkpoint, export, self.questions)
        tolerance = TOLERANCE[self.precision]
        bad = [difference for difference in found if not difference.agrees(tolerance)]
        if bad:
            raise ExportMismatchError(
                f"The export answers {len(bad)} of {len(found)} photos otherwise than the checkpoint "
                f"(scores and distances may differ by {tolerance:g}).",
                table=[HEAD, *(difference.row() for difference in bad)],
            )
        return Certificate(
            precision=self.precision,
            checked="photos",
            photos=len(found),
            largest_score_difference=max(difference.score for difference in found),
            largest_distance_difference=max(difference.distance for difference in found),
        )


HEAD = ("photo", "place", "checkpoint", "export", "score differs by", "distance differs by")


def _questions(probes: Sequence[Probe], folder: Path) -> Iterator[Question]:
    """The photos through real files, whose path is Korean: as they are, and some turned, tiny and grey."""
    home = folder / "사진 확인"
    home.mkdir()
    for number, probe in enumerate(probes):
        kinds = {"as it is": probe.encoded, **(_odd(probe.encoded) if number < _ODD else {})}
        for kind, encoded in kinds.items():
            path = home / f"사진 {number} {kind}.jpg"
            path.write_bytes(encoded)
            yield Question(f"{number} ({kind})", probe.place, decode(path))


def _odd(encoded: bytes) -> dict[str, bytes]:
    image = Image.open(io.BytesIO(encoded)).convert("RGB")
    turn = Image.Exif()
    turn[_ORIENTATION] = _TURNED
    tiny = ImageOps.scale(image, LEAST_SIDE / min(image.size))
    return {
        "turned by EXIF": _jpeg(image, exif=turn.tobytes()),
        "tiny": _jpeg(tiny),
        "grey": _jpeg(image.convert("L")),
    }


def _jpeg(image: Image.Image, exif: bytes = b"") -> bytes:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=90, exif=exif)
    return content.getvalue()


def compare(checkpoint: Lens, export: Lens, asked: Sequence[Question]) -> list[Difference]:
    """Every photo's two answers side by side."""
    found = []
    for place in dict.fromkeys(question.place for question in asked):
        here = [question for question in asked if question.place == place]
        photos = [question.photo for question in here]
        before, after = checkpoint.scores(place, photos), export.scores(place, photos)
        scores = np.abs(before.probabilities - after.probabilities).max(axis=1)
        distances = np.abs(before.distances - after.distances)
        for row, question in enumerate(here):
            found.append(
                Difference(
                    question.name,
                    place,
                    decision(checkpoint, before, row),
                    decision(export, after, row),
                    float(scores[row]),
                    float(distances[row]),
                )
            )
    return found
