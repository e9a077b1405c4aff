"""How long people wait: training cold and cached, one answer cold and inside a process, --help.

Everything is measured in this run, side by side with the way one would do it without ai-lens, on the museum
photos and one 12-megapixel phone photo. Whole processes are run as a user would run them.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared import MUSEUMS, SHARED, WEIGHTS, need_shared, report

AI_LENS = str(Path(sys.executable).with_name("ai-lens"))
PHONE = SHARED / "photos" / "exif" / "maritime__orient1__10.jpg"
RUNS = 7

SMALLEST_ONNX_SCRIPT = """
import sys, numpy as np, onnxruntime
from PIL import Image
photo = Image.open(sys.argv[2]).convert("RGB").resize((448, 448))
session = onnxruntime.InferenceSession(sys.argv[1])
session.run(None, {session.get_inputs()[0].name: np.asarray(photo)[None]})
"""


def run(*command: str, cache: Path) -> tuple[float, float]:
    """(seconds, peak memory in MB) of one process; it must succeed."""
    environment = os.environ | {"AI_LENS_CACHE_DIR": str(cache), "OMP_WAIT_POLICY": "PASSIVE"}
    start = time.perf_counter()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        if status:
            errors.seek(0)
            sys.exit(f"{' '.join(command)} failed: {errors.read().decode()}")
    return seconds, usage.ru_maxrss / 1024


def median_of(work: Callable[[], object]) -> float:
    """Median seconds of several calls, after one that warms up."""
    work()
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def whole_process(*command: str, cache: Path) -> tuple[float, float]:
    """Median seconds and the largest peak memory of several runs of a command, after one that warms up."""
    runs = [run(*command, cache=cache) for _ in range(RUNS + 1)][1:]
    return statistics.median(seconds for seconds, _ in runs), max(memory for _, memory in runs)


def natural_way(checkpoint: Path, photo: Path) -> Callable[[], object]:
    """Pillow decodes the whole photo, PyTorch runs the network: what a first script does."""
    import numpy as np
    import torch
    from PIL import Image, ImageOps

    from lens_core.training import checkpoint as checkpoints

    net, _ = checkpoints.load(checkpoint)
    size = net.preprocess.size

    def answer() -> object:
        image = ImageOps.exif_transpose(Image.open(photo)).convert("RGB").resize((size, size))
        with torch.inference_mode():
            return net(torch.from_numpy(np.array(image))[None])

    return answer


def lens_answer(model: Path, photo: Path) -> Callable[[], object]:
    from lens_core.runtime.lens import Lens

    lens = Lens(model)
    place = lens.gallery.places[0]
    return lambda: lens.infer(place, photo)


def main() -> None:
    need_shared()
    rows: list[list[str]] = []
    data: dict[str, float] = {}

    def note(what: str, seconds: float, memory: float | None = None, beside: str = "") -> None:
        rows.append([what, _seconds(seconds), "" if memory is None else f"{memory:.0f} MB", beside])
        data[what] = seconds

    with tempfile.TemporaryDirectory() as folder:
        cache, run_folder = Path(folder) / "cache", Path(folder) / "run"
        python, _ = whole_process(sys.executable, "-c", "pass", cache=cache)
        note("python -c pass", python)
        seconds, memory = whole_process(AI_LENS, "--help", cache=cache)
        note("ai-lens --help", seconds, memory, f"{seconds / python:.1f} x bare Python")

        train = (AI_LENS, "train", "--data-root", str(MUSEUMS / "data"), "--ood", str(MUSEUMS / "ood"))
        train += ("--backbone", "mobilenetv2", "--weights", str(WEIGHTS), "--save-dir", str(run_folder))
        frozen = (*train, "--finetune", "none")
        cold, memory = run(*frozen, cache=cache)
        note("train, 553 photos, --finetune none, cold", cold, memory)
        cached, memory = run(*frozen, cache=cache)
        beside = f"{cold / cached:.1f} x faster than cold"
        note("train, 553 photos, --finetune none, cached features", cached, memory, beside)
        seconds, memory = run(*train, cache=cache)
        note("train, 553 photos, fine-tuning, the default", seconds, memory)
        checkpoint, model = run_folder / "best.ckpt", run_folder / "best.onnx"
        run(AI_LENS, "export", "--ckpt", str(checkpoint), "--onnx", str(model), cache=cache)

        place = next(path.name for path in sorted((MUSEUMS / "data").iterdir()))
        smallest = Path(folder) / "smallest.py"
        smallest.write_text(SMALLEST_ONNX_SCRIPT)
        bare, memory = whole_process(sys.executable, str(smallest), str(model), str(PHONE), cache=cache)
        note("smallest onnxruntime script, one 10-megapixel photo, whole process", bare, memory)
        for file in (model, checkpoint):
            ask = (AI_LENS, "infer", "--model", str(file), "--place", place, "--image", str(PHONE))
            seconds, memory = whole_process(*ask, cache=cache)
            beside = f"{seconds / bare:.2f} x the smallest script"
            note(f"ai-lens infer {file.suffix}, whole process", seconds, memory, beside)

        natural = median_of(natural_way(checkpoint, PHONE))
        note("inside a process: Pillow full decode + PyTorch", natural)
        for file in (checkpoint, model):
            seconds = median_of(lens_answer(file, PHONE))
            beside = f"{natural / seconds:.2f} x faster than Pillow + PyTorch"
            note(f"inside a process: Lens.infer {file.suffix}", seconds, beside=beside)
    title = f"Waiting times, MobileNetV2 at 448 pixels, {os.cpu_count()} cores (medians of {RUNS})"
    report(__file__, title, ["what", "time", "peak memory", "beside"], rows, data)


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 2 else f"{1000 * seconds:.0f} ms"


if __name__ == "__main__":
    main()
