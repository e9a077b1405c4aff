"""Is a model that was trained again the same one? And if not, what differs?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import safetensors.numpy

from lens_core.artifacts import container, gallery, manifest, provenance
from lens_core.artifacts.cache import file_hash
from lens_core.artifacts.manifest import Manifest
from lens_core.artifacts.runs import CHECKPOINT, PACKAGES, PHOTOS, REFUSED
from lens_core.contracts import Documents
from lens_core.errors import NoRunError
from lens_core.photos.layout import Dataset
from lens_core.photos.strays import StrayPhoto
from lens_core.training.checkpoint import WEIGHTS
from lens_core.words import some


def changed_photos(folder: Path, dataset: Dataset, strays: Sequence[StrayPhoto]) -> list[str]:
    """In words, how the photos differ from those that the run in ``folder`` learned from."""
    now = provenance.per_file(dataset, [file_hash(photo.path) for photo in dataset.photos])
    refused = json.loads(_text(folder / REFUSED)) if (folder / REFUSED).exists() else {}
    return [
        *_changed(json.loads(_text(folder / PHOTOS)), now, "photos"),
        *_changed(
            _inside(refused), _inside(provenance.of_refused(strays)), "photos that show no exhibit (--ood)"
        ),
    ]


def _inside(hashes: Mapping[str, str]) -> dict[str, str]:
    """By their names inside their folder, which may be called otherwise by now."""
    return {name.partition("/")[2]: content for name, content in hashes.items()}


def _changed(before: Mapping[str, str], now: Mapping[str, str], what: str) -> list[str]:
    """Both: SHA-256 by name."""
    sorts = {
        "missing": sorted(before.keys() - now.keys()),
        "new": sorted(now.keys() - before.keys()),
        "changed": sorted(name for name in before.keys() & now.keys() if before[name] != now[name]),
    }
    return [f"{len(names)} {what} are {sort}: {some(names)}" for sort, names in sorts.items() if names]


def about(folder: Path) -> Manifest:
    """What the model in ``folder`` says of itself. Raises ArtifactError (E2xx)."""
    return manifest.peek(folder / CHECKPOINT)


def changed_model(folder: Path, again: Path) -> list[str]:
    """In words, how the model in ``again`` differs from that in ``folder``; nothing where it is the same."""
    paths = [folder / CHECKPOINT, again / CHECKPOINT]
    pair = [container.read(path) for path in paths]
    abouts = [manifest.from_documents(*one) for one in zip(pair, paths, strict=True)]
    return [*_weights(pair), *_galleries(pair), *_rules(abouts)]


def changed_software(folder: Path, again: Path) -> list[str]:
    """In words, which packages, or how many processes, are other ones: why a model may not be the same."""
    before, now = (
        dict(line.split("==", 1) for line in _text(path / PACKAGES).splitlines()) for path in (folder, again)
    )
    names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    changes = [f"{name} {before.get(name, 'none')} -> {now.get(name, 'none')}" for name in names]
    told = [f"{len(changes)} packages are other ones: {some(changes)}"] if changes else []
    then, here = (_worked_on(path) for path in (folder, again))
    return told if then == here else [*told, f"it was trained by {then}, and now by {here}"]


def _worked_on(folder: Path) -> str:
    made = about(folder).provenance
    count = made.get("processes", 1)
    return f"{count} process{'es' if count > 1 else ''} on {made.get('device', 'cpu')}"


def _weights(pair: Sequence[Documents]) -> Iterator[str]:
    before, now = (documents[WEIGHTS] for documents in pair)
    if before == now:
        return
    tensors = [safetensors.numpy.load(content) for content in (before, now)]
    shapes = [{name: tensor.shape for name, tensor in of_one.items()} for of_one in tensors]
    if shapes[0] != shapes[1]:
        yield "the network has another shape"
        return
    largest = max(
        float(np.abs(tensor.astype(np.float64) - tensors[1][name]).max(initial=0))
        for name, tensor in tensors[0].items()
    )
    yield f"weights differ by up to {largest:.2g}"


def _galleries(pair: Sequence[Documents]) -> Iterator[str]:
    before, now = (gallery.from_bytes(documents[gallery.NAME]) for documents in pair)
    if before.labels != now.labels:
        yield "the gallery holds other photos"
    elif not np.array_equal(before.embeddings, now.embeddings):
        largest = float(np.abs(before.embeddings - now.embeddings).max())
        yield f"embeddings of the gallery differ by up to {largest:.2g}"
    if before.descriptions != now.descriptions:
        yield "exhibits are described in other words (metadata.json)"


def _rules(abouts: list[Manifest]) -> Iterator[str]:
    before, now = abouts
    if before.guarantee:
        return  # T, M and D were tuned after training, which is not repeated
    if before.calibration != now.calibration:
        yield f"calibration: {before.calibration} -> {now.calibration}"
    if before.thresholds != now.thresholds:
        yield f"thresholds: {before.thresholds} -> {now.thresholds}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise NoRunError(f"{path} cannot be read: {error.strerror}.") from error
