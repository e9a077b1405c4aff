"""A whole bench: find the files, have made what is missing, prepare the photos, measure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import frozen

from lens_core.bench.apart import Asking
from lens_core.bench.asked import photos_to_ask
from lens_core.bench.found import Wanted, checkpoint_of, files_of, open_any
from lens_core.bench.report import Bench, Machine, Pictures
from lens_core.bench.row import Candidate, compared
from lens_core.errors import ModelLoadError
from lens_core.photos.layout import ood_photos
from lens_core.progress import Stage, Tell, silent, tell_nobody
from lens_core.runtime.examine import Material, View
from lens_core.runtime.lens import Lens
from lens_core.runtime.material import trained_photos

Make = Callable[[Path, Wanted, Collection[str], Path, Tell], Iterable[Candidate]]
"""(checkpoint, what is wanted, names that are there, a folder, whom to tell) -> what was made there."""


@frozen
class Helpers:
    """Those who do for a bench what is not its own business."""

    make: Make
    """Exports and other sizes, which needs the libraries of training."""
    find_view: Callable[[], View | None]
    """What changes photos as training does, where its libraries are installed."""
    tell: Tell = tell_nobody
    stage: Stage = silent


def benchmark(
    model: Path, wanted: Wanted, options: Mapping[str, Any], machine: Machine, helpers: Helpers
) -> Bench:
    """Measure what ``model`` has, and what is ``wanted`` besides, with ``options`` of the runtimes.

    Raises what opening raises where none of its files opens.
    """
    files = files_of(model)
    ckpt, lens = checkpoint_of(files), open_any(model, files)
    about = lens.manifest
    with TemporaryDirectory(prefix="ai-lens-") as temporary:
        home = Path(temporary)
        own = trained_photos(wanted.data_root, lens).photos if wanted.data_root else ()
        asked = photos_to_ask(lens, own, home)
        if wanted.data_root:
            ood_photos(wanted.data_root, wanted.ood)  # a mistake there must show before anything is made
        if wanted.exporters or wanted.sizes:
            names = [one.name for one in files]
            files += helpers.make(_needed(ckpt, model), wanted, names, home, helpers.tell)
        pictures, folders = _prepare(lens, files, home, wanted, helpers)
        del lens  # its memory is for what is measured
        identity = (about.embedding_id, about.model_version)
        asking = Asking(identity, asked.photos, folders, options)
        found = []
        progress = helpers.stage(f"Measuring {len(files)} files, about half a minute each")
        for one in asking.each(files):
            found.append(one)
            progress(len(found), len(files))
    return Bench(about, asked, pictures, compared(found, ckpt.name if ckpt else ""), machine)


def _needed(ckpt: Path | None, model: Path) -> Path:
    if ckpt is None:
        raise ModelLoadError(
            f"{model} has no checkpoint, and only from that exports and other sizes are made.",
            "Name the run's folder, or leave out --to and --img-size.",
        )
    return ckpt


def _prepare(
    lens: Lens, files: Sequence[Candidate], home: Path, wanted: Wanted, helpers: Helpers
) -> tuple[Pictures | None, dict[int, Path]]:
    """(what top-1 and AUROC are measured on; the folder it lies in, by the size of the input)."""
    if wanted.data_root is None:
        return None, {}
    view = helpers.find_view()
    helpers.tell("Preparing the photos ...")
    sizes = [lens.manifest.preprocess.size, *(one.size for one in files if one.path and one.size)]
    folders = {size: home / f"asked at {size}" for size in sizes}
    for size, folder in folders.items():
        material = Material.gather(lens, wanted.data_root, wanted.ood, view, size)
        material.write(folder)
    return Pictures(len(material.labels), len(material.strays), view is not None), folders
