"""How much longer an answer takes than it must: one photo inside a process, many photos, one cold command.

For each network, in one run and in turns, so that the machine treats all alike:

- *one photo*: ``Lens.infer`` of a phone's JPEG beside the fastest other decoder to long side 1024 plus the
  bare network in ONNX Runtime, and beside today's natural way (Pillow decodes it whole, PyTorch runs it).
  Once accepted, and once asked for again: then the hints are worked out, too.
- *many photos*: what ``infer-batch`` does, beside decoding alone on all cores and the bare network alone, in
  the best of several ways to use the cores. Both need the same cores, so together they cannot be faster than
  ``1 / (1 / decoding + 1 / network)``: that is the limit that there really is.
- *cold*: ``ai-lens infer`` as a process beside the smallest script that loads ONNX Runtime and answers once.

python benchmarks/edge/speed.py [--backbones mobilenetv2 vit_b16 ...]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "decode"))
from models import REAL, trained
from shared import MUSEUMS, SHARED, need_shared, report

BACKBONES = (REAL, "resnet50", "convnext_tiny", "vit_b16")
PHONE = SHARED / "photos" / "exif" / "maritime__orient1__10.jpg"
ROUNDS = 9
MANY_SECONDS = 20
"""About how long each way is given for many photos."""
SMALLEST = """
import sys, numpy as np, onnxruntime
from PIL import Image
session = onnxruntime.InferenceSession(sys.argv[1])
_, side, _, _ = session.get_inputs()[0].shape
photo = Image.open(sys.argv[2]).convert("RGB").resize((side, side))
session.run(None, {"images": np.asarray(photo)[None]})
"""
Work = Callable[[], object]


def main() -> None:
    need_shared()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbones", nargs="+", default=BACKBONES)
    parser.add_argument("--one", help=argparse.SUPPRESS)  # a process for each network
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measure(asked.one)))
        return
    found = []
    for backbone in asked.backbones:
        command = [sys.executable, __file__, "--one", backbone]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    head = ("network", "what", "ai-lens", "at best", "times that", "beside")
    rows = [row for one in found for row in _rows(one)]
    title = f"What an answer costs beyond decoding and the network, {os.cpu_count()} cores"
    report(__file__, title, head, rows, found, name="speed")


def measure(backbone: str) -> dict[str, Any]:
    from lens_core.training.export import export

    with tempfile.TemporaryDirectory() as folder:
        checkpoint, data = trained(backbone, Path(folder), finetune="none")
        model = export(checkpoint, "onnx", data_root=data, ood=MUSEUMS / "ood").path
        museum = [path for path in sorted(data.rglob("*")) if path.is_file()]
        return {
            "backbone": backbone,
            **_one_photo(model, checkpoint),
            "museum": _many_photos(model, museum),
            "phone": _many_photos(model, [PHONE]),
            **(_cold(model, Path(folder)) if backbone == REAL else {}),
        }


# --- one photo


def _one_photo(model: Path, checkpoint: Path) -> dict[str, Any]:
    encoded = PHONE.read_bytes()
    ways = {f"decode: {name}": (lambda way=way: way(encoded)) for name, way in _decoders().items()}
    size, bare = _bare(model, threads=0)
    photo = np.zeros((1, size, size, 3), np.uint8)
    seconds = _in_turns(
        {
            **ways,
            "bare network": lambda: bare(photo),
            "accepted": _lens_answer(model, reject_threshold=0),
            "asked again": _lens_answer(model, reject_threshold=1),
            "Pillow and PyTorch": _natural(checkpoint, size),
        }
    )
    decoder = min(ways, key=lambda name: seconds[name])
    return {"one": seconds, "decoder": decoder.removeprefix("decode: ")}


def _decoders() -> dict[str, Callable[[bytes], object]]:
    """Of other libraries, as far as installed, those that give a picture of long side 1024."""
    from ways import WAYS

    found = {}
    for name in ("Pillow, draft", "OpenCV, reduced by 2", "pyvips", "torchvision"):
        try:
            found[name] = WAYS[name][0]()
        except ImportError:
            continue
    return found


def _bare(model: Path, threads: int) -> tuple[int, Callable[[np.ndarray[Any, Any]], object]]:
    """(side of its photos, the network in ONNX Runtime and nothing else); 0 threads: as it likes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.read_bytes(), options, providers=["CPUExecutionProvider"])
    return session.get_inputs()[0].shape[1], lambda images: session.run(None, {"images": images})


def _lens_answer(model: Path, reject_threshold: float) -> Work:
    from lens_core.runtime.lens import Lens

    lens = Lens(model)
    place = lens.gallery.places[0]
    return lambda: lens.infer(place, PHONE, reject_threshold=reject_threshold)


def _natural(checkpoint: Path, size: int) -> Work:
    import torch
    from PIL import Image, ImageOps

    from lens_core.training import checkpoint as checkpoints

    net, _ = checkpoints.load(checkpoint)

    def answer() -> object:
        image = ImageOps.exif_transpose(Image.open(PHONE)).convert("RGB").resize((size, size))
        with torch.inference_mode():
            return net(torch.from_numpy(np.array(image))[None])

    return answer


def _in_turns(works: dict[str, Work]) -> dict[str, float]:
    """Median seconds of each, after a warm-up; one call of each per round."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS + 1):
        for name, work in works.items():
            work()  # what ran before has emptied the caches
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(each[1:]) for name, each in seconds.items()}


# --- many photos


def _many_photos(model: Path, photos: Sequence[Path]) -> dict[str, float]:
    """Photos a second."""
    from lens_core.parallel import cores, in_order
    from lens_core.photos.decode import decode
    from lens_core.runtime.batch import Batch
    from lens_core.runtime.lens import Lens

    lens = Lens(model, at_once=cores())
    batch = Batch(lens, lens.gallery.places[0])
    count = _worth(lambda: list(batch.answers([photos[0]])), len(photos))
    asked = [photos[number % len(photos)] for number in range(count)]
    size, all_cores = _bare(model, threads=0)
    _, one_core = _bare(model, threads=1)
    images = np.random.default_rng(0).integers(0, 256, (16, size, size, 3), np.uint8)

    def shared_out() -> object:
        """One thread per core, each with photos of its own."""
        with ThreadPoolExecutor(cores()) as pool:
            return list(pool.map(lambda number: one_core(images[number % 16][None]), range(count)))

    works: dict[str, Work] = {
        "infer-batch": lambda: list(batch.answers(asked)),
        "decoding": lambda: list(in_order(decode, asked)),
        "network, one at a time": lambda: [all_cores(images[n % 16][None]) for n in range(count)],
        "network, 16 at a time": lambda: [all_cores(images) for _ in range(-(-count // 16))],
        "network, one per core": shared_out,
    }
    rates: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(3):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            done = -(-count // 16) * 16 if "16" in name else count
            rates[name].append(done / (time.perf_counter() - start))
    return {name: statistics.median(each) for name, each in rates.items()}


def _worth(one: Work, least: int) -> int:
    """How many photos take about ``MANY_SECONDS`` in three rounds."""
    one()
    start = time.perf_counter()
    one()
    return max(min(least, 64), 48, int(MANY_SECONDS / 3 / (time.perf_counter() - start)))


# --- cold


def _cold(model: Path, folder: Path) -> dict[str, Any]:
    from lens_core.runtime.lens import Lens

    script = folder / "smallest.py"
    script.write_text(SMALLEST)
    place = Lens(model).gallery.places[0]
    ai_lens = str(Path(sys.executable).with_name("ai-lens"))
    ours = (ai_lens, "infer", "--model", str(model), "--place", place, "--image", str(PHONE))
    smallest = (sys.executable, str(script), str(model), str(PHONE))
    run = {"ai-lens infer": lambda: _process(ours), "smallest script": lambda: _process(smallest)}
    return {"cold": _in_turns(run)}


def _process(command: Sequence[str]) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


# --- the table


def _rows(found: dict[str, Any]) -> list[list[str]]:
    name, one = found["backbone"], found["one"]
    decode = one[f"decode: {found['decoder']}"]
    least = decode + one["bare network"]
    natural = one["Pillow and PyTorch"]
    parts = f"{found['decoder']} {_ms(decode)} + network {_ms(one['bare network'])}"
    rows = [
        [
            name,
            f"one photo of a phone, {how}",
            _ms(one[how]),
            f"{_ms(least)} ({parts})",
            f"{one[how] / least:.2f}",
            f"Pillow and PyTorch: {_ms(natural)}, {natural / one[how]:.1f} x as long",
        ]
        for how in ("accepted", "asked again")
    ]
    for kind, title in (("museum", "many museum photos"), ("phone", "many photos of a phone")):
        rates = found[kind]
        network, decoding = max(rates[way] for way in rates if "network" in way), rates["decoding"]
        lower, limit = min(network, decoding), 1 / (1 / network + 1 / decoding)
        ours = rates["infer-batch"]
        both = f"decoding {decoding:.0f}/s, network {network:.1f}/s"
        shared = f"{ours / limit:.2f} of what both can do on the same cores"
        rows.append([name, title, f"{ours:.1f}/s", f"{lower:.1f}/s ({both})", f"{ours / lower:.2f}", shared])
    if "cold" in found:
        cold, least = found["cold"]["ai-lens infer"], found["cold"]["smallest script"]
        rows.append(
            [name, "one cold command", _ms(cold), f"{_ms(least)} (script)", f"{cold / least:.2f}", ""]
        )
    return rows


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"


if __name__ == "__main__":
    main()
