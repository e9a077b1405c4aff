"""What ``ai-lens bench`` is asked about and nobody has made yet: exports, the same network at other sizes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import attrs

from lens_core import plugins
from lens_core.artifacts import container
from lens_core.artifacts import gallery as galleries
from lens_core.artifacts import manifest as manifests
from lens_core.bench.found import Wanted
from lens_core.bench.row import Candidate, Failure
from lens_core.errors import BadSettingError, CannotDoError, LensError, ModelLoadError
from lens_core.progress import Tell
from lens_core.runtime.enroll import build_gallery
from lens_core.runtime.folders import suffix_of
from lens_core.runtime.lens import Lens
from lens_core.runtime.material import trained_photos
from lens_core.training.export import export

Options = Callable[[str], dict[str, Any]]
"""Of an exporter, by its name."""


def make(
    ckpt: Path, wanted: Wanted, options: Options, there: Collection[str], folder: Path, tell: Tell
) -> Iterator[Candidate]:
    """Write it below ``folder``, through the gate of every export; but not what is ``there`` by name.

    What cannot be made, or does not pass, is a candidate without a file that says why.
    """
    trained = manifests.from_documents(container.read(ckpt), ckpt).preprocess.size
    copy = folder / "as trained" / ckpt.name
    copy.parent.mkdir()
    shutil.copyfile(ckpt, copy)
    yield from _exports(copy, wanted, options, there, tell)
    for size in dict.fromkeys(wanted.sizes):
        if size == trained or not wanted.data_root:
            continue
        tell(f"Embedding the gallery at {size} pixels ...")
        resized = folder / str(size) / ckpt.name
        start = Candidate(f"{ckpt.name} at {size}", resized, "ckpt", "fp32", size, resized=True)
        try:
            at_size(ckpt, size, wanted.data_root, resized)
        except LensError as error:
            yield attrs.evolve(start, path=None, failure=Failure.of(error, resized.parent))
            continue
        yield start
        for made in _exports(resized, wanted, options, (), tell, f" at {size}"):
            yield attrs.evolve(made, size=size, resized=True, made_by="")


def at_size(ckpt: Path, size: int, data_root: Path, path: Path) -> None:
    """Write the same network as one that takes photos of ``size`` pixels, its gallery embedded anew.

    It shows what the size would bring; calibration, T, M and D remain those of the size it was trained for.
    Raises CannotDoError (E460) where the network takes one size alone.
    """
    documents = container.read(ckpt)
    about = manifests.from_documents(documents, ckpt)
    preprocess = attrs.evolve(about.preprocess, size=size)
    documents[manifests.NAME] = manifests.to_bytes(attrs.evolve(about, preprocess=preprocess))
    container.write(path, documents)
    try:
        lens = Lens(path)
    except (ModelLoadError, BadSettingError) as error:
        raise CannotDoError(
            f"{about.backbone.name} as it was trained takes no photos of {size} pixels.",
            f"Train it with --img-size {size}.",
        ) from error
    gallery = build_gallery(
        lens, trained_photos(data_root, lens).photos, descriptions=lens.gallery.descriptions
    )
    container.write(path, {**documents, galleries.NAME: galleries.to_bytes(gallery)})


def _exports(
    ckpt: Path, wanted: Wanted, options: Options, there: Collection[str], tell: Tell, at: str = ""
) -> Iterator[Candidate]:
    for name, quantize in product(wanted.exporters, dict.fromkeys([None, wanted.quantize])):
        flags = f"--to {name}" + (f" --quantize {quantize}" if quantize else "")
        command = f"ai-lens export --ckpt {ckpt.name} {flags}"
        about = Candidate(f"{flags}{at}", None, name, quantize or "", made_by=command)
        try:
            suffix = plugins.make("exporter", name, options(name)).suffix
            if ckpt.with_suffix((f".{quantize}" if quantize else "") + suffix).name in there:
                continue
            tell(f"Exporting {flags}{at} ...")
            photos, ood = wanted.data_root, wanted.ood
            path = export(ckpt, name, None, options(name), data_root=photos, ood=ood, quantize=quantize).path
        except LensError as error:
            yield attrs.evolve(about, failure=Failure.of(error, ckpt.parent))
        else:
            yield attrs.evolve(about, name=f"{path.name}{at}", path=path, format=suffix_of(path))
