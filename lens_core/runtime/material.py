"""The photos of a data folder that a model can be asked about, and whether it has learned from them."""

from __future__ import annotations

from pathlib import Path

from lens_core.artifacts.cache import file_hash
from lens_core.artifacts.provenance import data_hash
from lens_core.errors import LayoutError
from lens_core.photos.curated import scan_curated
from lens_core.photos.layout import Dataset, nfc, scan
from lens_core.runtime.lens import Lens
from lens_core.settings import Curation


def trained_photos(data_root: Path, lens: Lens) -> Dataset:
    """The photos of items the model knows, without those that its training left out.

    Raises LayoutError (E100) when there are none.
    """
    dataset = scan(data_root)
    removed = {nfc(entry["photo"]) for entry in lens.manifest.settings.get("curation", {}).get("remove", ())}
    known = tuple(
        photo
        for photo in dataset.photos
        if (photo.place, photo.item) in lens.manifest.classes and dataset.inside(photo) not in removed
    )
    if not known:
        raise LayoutError(
            f"{data_root} has no photos of the exhibits that {lens.path} knows.",
            "Pass --data-root with the photos the model was trained on.",
        )
    return Dataset(dataset.root, known)


def photos_to_ask(
    data_root: Path, lens: Lens, curation: Curation, as_trained: bool = False
) -> tuple[Dataset, bool]:
    """(the photos to examine a model with, whether they are those it learned from).

    Of photos that it has not learned from all are asked, those of items it does not know too; with
    ``as_trained`` only those of items it knows, as if it had. Raises LayoutError (E100) when there are none.
    """
    trained = trained_photos(data_root, lens)
    if as_trained or _learned_from(lens, trained):
        return trained, True
    return scan_curated(data_root, curation), False


def _learned_from(lens: Lens, trained: Dataset) -> bool:
    """Whether these photos of its items are the very photos that the model was trained on."""
    hashes = [file_hash(photo.path) for photo in trained.photos]
    return lens.manifest.provenance.get("data_hash") == data_hash(trained, hashes)
