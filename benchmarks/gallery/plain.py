"""The same without ai-lens, in a process of its own: ``plain.py cold|warm FOLDER PLACES INDEX STARTED``.

What a first script does: ONNX Runtime for the network, then numpy over the place's vectors, or a mapped FAISS
index and the ten it finds compared in full. Nothing is checked, no probabilities, no choice but the nearest.
"""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from parts import ASKED, QUESTIONS, memory, model_path, photo
from PIL import Image

Vectors = np.ndarray[Any, Any]


class Searcher:
    """The nearest photo of one place."""

    def __init__(self, folder: Path, index: str) -> None:
        self.items = json.loads((folder / "items.json").read_text())
        of_place = np.array([place == ASKED for place, _ in self.items])
        numbers = np.load(folder / "items.npy")
        self.rows = np.flatnonzero(of_place[numbers])
        self.numbers = numbers[self.rows]
        self.index: Any = None
        mapped = np.load(folder / "vectors.npy", mmap_mode="r")
        if index == "exact":
            self.vectors = mapped[self.rows]
        else:
            self._open(folder / f"{ASKED}.faiss")
            self.vectors = mapped

    def _open(self, path: Path) -> None:
        import faiss

        self.index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
        self.index.nprobe = math.ceil(self.index.nlist / 4)  # as the plugin chooses

    def nearest(self, question: Vectors) -> tuple[str, float]:
        if self.index is None:
            cosines = self.vectors @ question
            best = int(cosines.argmax())
            return self.items[self.numbers[best]], float(cosines[best])
        found = self.index.search(question[None], 10)[1][0]
        cosines = self.vectors[self.rows[found]] @ question
        best = int(cosines.argmax())
        return self.items[self.numbers[found[best]]], float(cosines[best])


def embedded(folder: Path) -> Vectors:
    session = onnxruntime.InferenceSession(model_path(folder))
    asked = session.get_inputs()[0]
    picture = np.asarray(Image.fromarray(photo()).resize(asked.shape[1:3]))
    vector: Vectors = session.run(None, {asked.name: picture[None]})[0][0]
    return vector


if __name__ == "__main__":
    what, folder, places, index, started = sys.argv[1:]
    vector = embedded(Path(folder))
    searcher = Searcher(Path(folder) / f"{places}-{index}", index)
    searcher.nearest(vector)
    seconds = time.time() - float(started)
    figures = {"cold_s": seconds, "cold_peak": memory("VmHWM"), "cold_own": memory("RssAnon")}
    if what == "warm":
        questions = np.load(next(Path(folder).glob("questions-*.npy")))[:QUESTIONS]
        start = time.perf_counter()
        for question in questions:
            searcher.nearest(question)
        figures = {"question_s": (time.perf_counter() - start) / QUESTIONS}
    print(json.dumps(figures))
