"""The files that are asked: ``make.py material FOLDER SIZE``, ``make.py gallery FOLDER SIZE PLACES INDEX``.

For ai-lens a model (a tiny untrained network with embeddings of 512 numbers) and a gallery file; for the
plain script the same vectors, labels and FAISS indexes as one would save them by hand.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from parts import CLASSES, DIM, EMBEDDING_ID, OPTIONS, PLUGIN, memory, model_path, place_name

sys.path.insert(0, str(Path(__file__).parents[1] / "indexes"))
from material import PHOTOS, Material

from lens_core.artifacts.gallery import Gallery
from lens_core.artifacts.gallery_file import read_file
from lens_core.runtime import indexes


def make_material(folder: Path, size: int) -> dict[str, Any]:
    material = Material(folder, size)
    material.questions()
    if not model_path(folder).exists():
        _write_model(model_path(folder))
    return {}


def make_gallery(folder: Path, size: int, places: int, index: str) -> dict[str, Any]:
    vectors = np.array(Material(folder, size).vectors())
    exhibits = np.arange(size) % (size // PHOTOS)  # as the material numbers them
    labels = [(place_name(exhibit % places), f"item {exhibit:06}") for exhibit in exhibits.tolist()]
    gallery = Gallery.of(vectors, labels)
    del vectors, labels
    path, before, start = folder / f"{places}-{index}.index", memory("VmRSS"), time.perf_counter()
    memory("reset")
    indexes.write_file(path, gallery, EMBEDDING_ID, PLUGIN[index], OPTIONS[index])
    seconds, peak = time.perf_counter() - start, memory("VmHWM") - before
    _write_plainly(folder / f"{places}-{index}", gallery, path)
    return {"written_s": seconds, "written_peak": peak, "file_bytes": path.stat().st_size}


def _write_plainly(folder: Path, gallery: Gallery, file: Path) -> None:
    folder.mkdir(exist_ok=True)
    np.save(folder / "vectors.npy", gallery.embeddings)
    np.save(folder / "items.npy", gallery.numbers_of(np.arange(len(gallery))).astype(np.int32))
    (folder / "items.json").write_text(json.dumps(gallery.items))
    for place, saved in read_file(file).indexes.items():
        saved.content.tofile(folder / f"{place}.faiss")


def _write_model(path: Path) -> None:
    """An ONNX export with everything but a gallery."""
    import torch

    from lens_core import plugins
    from lens_core.artifacts import manifest as manifests
    from lens_core.artifacts.manifest import BackboneRecord, Calibration, Manifest, Thresholds
    from lens_core.testing import networks
    from lens_core.training.network import LensNet

    torch.manual_seed(0)
    net = LensNet(networks.Convolutions(), DIM, len(CLASSES)).eval()
    about = Manifest(
        model_version="1.0.0",
        made_by="benchmarks/gallery",
        created="2025-10-16T00:00:00+00:00",
        backbone=BackboneRecord("tiny", net.full_name, net.licence),
        preprocess=net.preprocess,
        embedding_dim=DIM,
        classes=CLASSES,
        embedding_id=EMBEDDING_ID,
        calibration=Calibration(scale=24.0, none=0.4),
        thresholds=Thresholds(0.62, 0.12, 0.3),
        operating_point=None,
        settings={},
    )
    exporter = plugins.make("exporter", "onnx", {})
    exporter.write(
        exporter.convert(net, networks.example()), {manifests.NAME: manifests.to_bytes(about)}, path
    )


if __name__ == "__main__":
    what, folder, size, *more = sys.argv[1:-1]
    if what == "material":
        print(json.dumps(make_material(Path(folder), int(size))))
    else:
        print(json.dumps(make_gallery(Path(folder), int(size), int(more[0]), more[1])))
