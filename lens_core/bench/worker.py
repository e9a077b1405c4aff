"""The process that measures one file: ``python -m lens_core.bench.worker REQUEST ANSWER``, both JSON files.

A process of its own, so that the start of a library and its memory are nobody else's.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from attrs import frozen

from lens_core.bench.row import Failure, Latency, Measured
from lens_core.contracts import MOST_THREADS
from lens_core.errors import LensError, ModelLoadError
from lens_core.parallel import cores
from lens_core.runtime import examine
from lens_core.runtime.batch import Batch
from lens_core.runtime.folders import is_checkpoint
from lens_core.runtime.lens import Lens
from lens_core.runtime.machine import peak_memory
from lens_core.structure import converter

FEWEST, MOST, SECONDS = 20, 100, 3.0
"""How often, and for how long, one photo is asked; 20 times in any case."""
BATCH_PHOTOS, BATCH_SECONDS = 96, 6.0
"""Photos of a folder that is answered, and when to stop before that."""


@frozen
class Request:
    """What to measure."""

    path: str
    options: dict[str, Any]
    """Of the runtime."""
    model: tuple[str, str]
    """``embedding_id`` and version of the model that the file must be of."""
    photos: tuple[tuple[str, str], ...]
    """(place, path) of photos that are asked about while the clock runs."""
    materials: dict[str, str]
    """Folders of :class:`lens_core.runtime.examine.Material`, by the size of the input; else no top-1."""


def measure(request: Request) -> Measured:
    """Raises whatever opening the file raises, and ModelLoadError (E200) for a file of another model."""
    path = Path(request.path)
    opened = _files_opened_in(path.parent)
    begin = time.perf_counter()
    lens = Lens(path, runtime_options=request.options)
    lens.warm_up()
    load_ms = _milliseconds_since(begin)
    size = sum(file.stat().st_size for file in opened) or path.stat().st_size
    about = lens.manifest
    if (about.embedding_id, about.model_version) != request.model:
        raise ModelLoadError(
            f"{path} is of another model: version {about.model_version}, {about.created}.", "Export it again."
        )
    network, answer = _network(lens), _answers(lens, request.photos)
    peak = peak_memory()  # before more than one photo is in memory
    throughput = _photos_per_second(request)
    material = request.materials.get(str(about.preprocess.size))
    figures = examine.measure(lens, examine.Material.read(Path(material))) if material else None
    return Measured(
        precision=about.certificate.precision if about.certificate else "fp32" if is_checkpoint(path) else "",
        size=about.preprocess.size,
        megabytes=round(size / 1e6, 1),
        load_ms=load_ms,
        network=network,
        answer=answer,
        photos_per_second=throughput,
        peak_megabytes=None if peak is None else round(peak / 1e6, 1),
        top1=figures.top1 if figures else None,
        aurocs=figures.aurocs if figures else {},
        points_lost=about.certificate.points_lost if about.certificate else {},
    )


def _files_opened_in(folder: Path) -> set[Path]:
    """The files that are read from now on: which ones a model is made of, only its runtime knows."""
    found: set[Path] = set()

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str) and folder in Path(arguments[0]).parents:
            found.add(Path(arguments[0]))

    sys.addaudithook(hear)
    return found


def _network(lens: Lens) -> Latency:
    size = lens.manifest.preprocess.size
    photo = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), dtype=np.uint8)
    return _latency(lambda: lens.see(photo))


def _answers(lens: Lens, photos: Sequence[tuple[str, str]]) -> Latency:
    in_turn = cycle(photos)
    threshold = None if lens.manifest.thresholds else 0.5  # a model that was not tuned still takes its time

    def ask() -> None:
        place, path = next(in_turn)
        lens.infer(place, path, reject_threshold=threshold)

    return _latency(ask)


def _latency(ask: Callable[[], object]) -> Latency:
    ask()  # the first time is slower
    times: list[float] = []
    start = time.perf_counter()
    while len(times) < FEWEST or (len(times) < MOST and time.perf_counter() - start < SECONDS):
        begin = time.perf_counter()
        ask()
        times.append(_milliseconds_since(begin))
    p50, p95 = np.percentile(times, (50, 95))
    return Latency(round(float(p50), 2), round(float(p95), 2))


def _photos_per_second(request: Request) -> float:
    """As ``infer-batch`` answers them: on all cores."""
    lens = Lens(request.path, runtime_options=request.options, at_once=min(cores(), MOST_THREADS))
    place = request.photos[0][0]
    paths = [Path(path) for where, path in request.photos if where == place]
    threshold = None if lens.manifest.thresholds else 0.5
    begin, done = time.perf_counter(), 0
    batch = Batch(lens, place, reject_threshold=threshold)
    for _ in batch.answers(list(islice(cycle(paths), BATCH_PHOTOS))):
        done += 1
        if time.perf_counter() - begin > BATCH_SECONDS:
            break
    return round(done / (time.perf_counter() - begin), 1)


def _milliseconds_since(begin: float) -> float:
    return round(1000 * (time.perf_counter() - begin), 2)


def main(request_file: Path, answer_file: Path) -> None:
    request = converter.structure(json.loads(request_file.read_text(encoding="utf-8")), Request)
    found: Mapping[str, Any]
    try:
        found = {"measured": attrs.asdict(measure(request))}
    except LensError as error:
        found = {"failure": attrs.asdict(Failure.of(error, Path(request.path).parent))}
    answer_file.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
