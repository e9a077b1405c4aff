"""ai-lens in a process of its own: ``lens.py cold|warm FOLDER PLACES INDEX STARTED``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from parts import ASKED, CLASSES, QUESTIONS, memory, model_path, photo

from ai_lens_helper import Lens
from lens_core.artifacts import integrity

spent: dict[str, float] = {}


def timed(work: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        start = time.perf_counter()
        answer = work(*arguments)
        spent["seal_s"] = time.perf_counter() - start
        return answer

    return call


def cold(lens: Lens, started: float) -> dict[str, float]:
    lens.infer(ASKED, photo())
    seconds = time.time() - started
    return {"cold_s": seconds, "cold_peak": memory("VmHWM"), "cold_own": memory("RssAnon"), **spent}


def warm(lens: Lens, started: float, folder: Path) -> dict[str, float]:
    lens.warm_up()
    seconds = time.time() - started
    questions = np.load(next(folder.glob("questions-*.npy")))[:QUESTIONS]
    logits = np.zeros((1, len(CLASSES)), np.float32)
    start = time.perf_counter()
    for question in questions:
        lens.score(ASKED, question[None], logits)
    each = (time.perf_counter() - start) / QUESTIONS
    return {"warm_s": seconds, "question_s": each, "warm_peak": memory("VmHWM")}


if __name__ == "__main__":
    what, folder, places, index, began = sys.argv[1:]
    integrity.map_sealed = timed(integrity.map_sealed)
    lens = Lens(model_path(Path(folder)), index_file=f"{folder}/{places}-{index}.index")
    assert not lens.warnings
    print(json.dumps(cold(lens, float(began)) if what == "cold" else warm(lens, float(began), Path(folder))))
