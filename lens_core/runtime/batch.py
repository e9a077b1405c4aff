"""Answers for many photos, one JSON line each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from attrs import frozen

from lens_core import __version__
from lens_core.contracts import Photo
from lens_core.errors import LensError
from lens_core.parallel import in_order
from lens_core.photos.decode import decode
from lens_core.photos.layout import nfc
from lens_core.progress import Progress, no_progress
from lens_core.runtime.lens import BATCH, Lens


@frozen
class Batch:
    """A question that is asked about many photos of one place.

    ``lens.at_once`` photos are worked on at a time, each from file to answer on a share of the cores: so
    decoding and the network keep all of them busy, and no answer depends on the photo's neighbours.
    """

    lens: Lens
    place: str
    reject_threshold: float | None = None
    topk: int = 3
    strip_pii: bool = False
    """Name photos without their folder."""
    read: Callable[[Path], Photo] = decode
    """How a file becomes a photo."""

    def answers(self, photos: Sequence[Path], progress: Progress = no_progress) -> Iterator[dict[str, Any]]:
        """One per photo, in order, each with ``image``; a photo that cannot be read gives an ``error``.

        Raises UnknownPlaceError (E320) or NoThresholdError (E310) before any.
        """
        self.check()
        for done, answer in enumerate(in_order(self._answer, photos, self.lens.at_once), 1):
            progress(done, len(photos))
            yield answer

    def check(self) -> None:
        """Raises UnknownPlaceError (E320) or NoThresholdError (E310)."""
        self.lens.check_question(self.place, self.reject_threshold, self.topk)

    def called(self, photo: Path) -> str:
        """What a photo's answer calls it."""
        return photo.name if self.strip_pii else str(photo)

    @property
    def identity(self) -> dict[str, Any]:
        """What the answers depend on besides the photos."""
        return {
            **self.lens.identity,
            "place": nfc(self.place),
            "reject_threshold": self.reject_threshold,
            "topk": self.topk,
            "strip_pii": self.strip_pii,
            "made_by": f"ai-lens {__version__}",
        }

    def _answer(self, path: Path) -> dict[str, Any]:
        name = self.called(path)
        try:
            photo = self.read(path)
        except LensError as error:
            problem = {"code": error.code, "message": error.message.replace(str(path), name)}
            return {"image": name, "place": nfc(self.place), "error": problem}
        result = self.lens.answer(
            self.place, [photo], reject_threshold=self.reject_threshold, topk=self.topk
        )[0]
        return {"image": name, **result.to_dict()}


def to_line(answer: Mapping[str, Any]) -> str:
    return json.dumps(answer, ensure_ascii=False) + "\n"


def decoded_batches(paths: Sequence[Path]) -> Iterator[list[Photo | LensError]]:
    """Photos decoded on all cores while the network works on those before them, so many as it sees."""
    photos = in_order(_decode, paths, ahead=2 * BATCH)
    while batch := list(islice(photos, BATCH)):
        yield batch


def _decode(path: Path) -> Photo | LensError:
    try:
        return decode(path)
    except LensError as error:
        return error
