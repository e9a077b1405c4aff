"""Answers for a folder of photos, one JSON line each."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

from lens_core.contracts import Photo
from lens_core.errors import LensError
from lens_core.photos.decode import decode
from lens_core.photos.layout import nfc
from lens_core.progress import Progress, no_progress
from lens_core.runtime.lens import Lens

BATCH = 16


def infer_batch(
    lens: Lens,
    place: str,
    photos: Sequence[Path],
    *,
    reject_threshold: float | None = None,
    topk: int = 3,
    strip_pii: bool = False,
    progress: Progress = no_progress,
) -> Iterator[dict[str, Any]]:
    """One answer per photo, in order, each with ``image``; a photo that cannot be read gives an ``error``.

    ``strip_pii`` names photos without their folder. Photos are decoded on all cores while the network works
    on those before them.
    """
    lens.check_question(place, reject_threshold)
    done = 0
    for paths, decoded in decoded_batches(photos):
        good = [photo for photo in decoded if isinstance(photo, Photo)]
        answers = iter(lens.answer(place, good, reject_threshold=reject_threshold, topk=topk) if good else ())
        for path, photo in zip(paths, decoded, strict=True):
            done += 1
            progress(done, len(photos))
            name = path.name if strip_pii else str(path)
            if isinstance(photo, LensError):
                error = {"code": photo.code, "message": photo.message.replace(str(path), name)}
                yield {"image": name, "place": nfc(place), "error": error}
            else:
                yield {"image": name, **next(answers).to_dict()}


def to_line(answer: dict[str, Any]) -> str:
    return json.dumps(answer, ensure_ascii=False) + "\n"


def decoded_batches(paths: Sequence[Path]) -> Iterator[tuple[list[Path], list[Photo | LensError]]]:
    ahead = 2 * BATCH  # decoded photos waiting: a bounded share of memory, enough to keep the network busy
    waiting: deque[tuple[Path, Future[Photo | LensError]]] = deque()
    rest = iter(paths)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while True:
            for path in islice(rest, ahead - len(waiting)):
                waiting.append((path, pool.submit(_decode, path)))
            if not waiting:
                return
            batch = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
            yield [path for path, _ in batch], [future.result() for _, future in batch]


def _decode(path: Path) -> Photo | LensError:
    try:
        return decode(path)
    except LensError as error:
        return error
