"""One step of the comparison in a process of its own: ``measure.py STEP FOLDER SIZE NAME OPTIONS FILE``.

``material`` makes vectors and right answers, ``build`` builds, saves and asks an index, ``cold`` opens the
saved file as if for the first time. What was measured is printed as one line of JSON.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from material import DIM, NEIGHBOURS, Floats, Material

from lens_core import plugins
from lens_core.artifacts.gallery import Gallery
from lens_core.contracts import Rows, VectorIndex
from lens_core.runtime.indexes import is_stored
from lens_core.runtime.search import PlaceSearch

BATCH = 64
ONE_BY_ONE_S = 10.0
"""Asking one by one ends after so many seconds, or with the last question."""
TIED = 1e-5
"""Distances that differ by less are one: float32 sums of 512 products, in another order."""
SHARE_OF_MEMORY = 0.85
"""A process that needs more of the machine's memory fails, instead of the machine."""


def make_material(material: Material) -> dict[str, Any]:
    material.nearest()
    return {}


def build(material: Material, name: str, options: dict[str, Any], file: Path) -> dict[str, Any]:
    vectors = np.array(material.vectors())
    index = plugins.make("index", name, options, dim=DIM)
    start = time.perf_counter()
    index.build(vectors)
    seconds = time.perf_counter() - start
    if is_stored(index):
        index.save(file)
        index = plugins.make("index", name, options, dim=DIM)
        index.load(file)
        index.warm_up()
    size = file.stat().st_size if file.exists() else 0
    return {"build_s": seconds, "file_bytes": size, **_ask(index, vectors, material)}


def _ask(index: VectorIndex, vectors: Floats, material: Material) -> dict[str, float]:
    questions, nearest = material.questions(), material.nearest()
    index.search(questions[:1], NEIGHBOURS)
    batches = list(_batches(questions))
    start = time.perf_counter()
    rows = np.concatenate([index.search(batch, NEIGHBOURS)[1] for batch in batches])
    in_batches = len(questions) / (time.perf_counter() - start)
    found = _distances(vectors, questions, rows)
    return {
        "recall_1": float((found[:, 0] <= nearest[:, 0] + TIED).mean()),
        "recall_10": float((found <= nearest[:, -1:] + TIED).mean()),
        "recall_1_reranked": float((_reranked(index, vectors, batches) <= nearest[:, 0] + TIED).mean()),
        "per_s_1": _one_by_one(index, questions),
        "per_s_64": in_batches,
    }


def _distances(vectors: Floats, questions: Floats, rows: Rows) -> Floats:
    """The true distances of the rows that were found; 2 where none was."""
    distances = 1 - np.einsum("qkd,qd->qk", vectors[rows], questions)
    return np.where(rows < 0, np.float32(2), distances)


def _reranked(index: VectorIndex, vectors: Floats, batches: list[Floats]) -> Floats:
    """The distances a visitor is answered by: those of the core's own search behind this index."""
    place = PlaceSearch(Gallery.of(vectors, (("", ""),) * len(vectors)), index, "the index")
    return np.concatenate([1 - place.nearest(batch)[0][:, 0] for batch in batches])


def _one_by_one(index: VectorIndex, questions: Floats) -> float:
    start = time.perf_counter()
    for number in range(len(questions)):
        index.search(questions[number : number + 1], NEIGHBOURS)
        passed = time.perf_counter() - start
        if passed > ONE_BY_ONE_S:
            break
    return (number + 1) / passed


def _batches(questions: Floats) -> Iterator[Floats]:
    for start in range(0, len(questions), BATCH):
        yield questions[start : start + BATCH]


def cold(material: Material, name: str, options: dict[str, Any], file: Path) -> dict[str, Any]:
    question, vectors = material.questions()[:1], material.vectors()
    for path in filter(Path.exists, (file, material.path)):
        with path.open("rb") as opened:
            os.fsync(opened.fileno())
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    start = time.perf_counter()
    index = plugins.make("index", name, options, dim=DIM)
    if is_stored(index):
        index.load(file)
    else:
        index.build(vectors)
    index.search(question, NEIGHBOURS)
    seconds = time.perf_counter() - start
    return {"cold_s": seconds, "peak_kb": _memory("VmHWM"), "own_kb": _memory("RssAnon")}


def _memory(kind: str) -> int:
    """Of this process, in kilobytes."""
    found = re.search(rf"{kind}:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1])


def main(step: str, folder: str, size: str, name: str, options: str, file: str) -> None:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = int(SHARE_OF_MEMORY * machine)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    material = Material(Path(folder), int(size))
    if step == "material":
        measured = make_material(material)
    else:
        work = {"build": build, "cold": cold}[step]
        measured = work(material, name, json.loads(options), Path(file))
    print(json.dumps(measured))


if __name__ == "__main__":
    main(*sys.argv[1:])
