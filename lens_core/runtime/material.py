"""The photos of a data folder that a model can be asked about, and whether it has learned from them."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from lens_core.artifacts.cache import file_hash
from lens_core.artifacts.provenance import data_hash
from lens_core.errors import LayoutError
from lens_core.photos.curated import scan_curated
from lens_core.photos.layout import Dataset, nfc, scan
from lens_core.runtime.lens import Lens
from lens_core.settings import Curation

_NAMED = 3
"""How many items a warning names."""


@frozen
class ToAsk:
    """Photos to examine a model with."""

    dataset: Dataset
    learned_from: bool
    """Whether they are those that the model learned from."""
    warning: str | None = None
    """What somebody should know about those that are left out."""


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


def photos_to_ask(data_root: Path, lens: Lens, curation: Curation, as_trained: bool = False) -> ToAsk:
    """Of photos that it has not learned from all are asked, those of items it does not know too; with
    ``as_trained`` only those of items it knows, as if it had. Raises LayoutError (E100) when there are none.
    """
    trained = trained_photos(data_root, lens)
    everything = scan_curated(data_root, curation)
    if not as_trained and not _learned_from(lens, trained):
        return ToAsk(everything, learned_from=False)
    here = {item for item in everything.items if item[0] in lens.manifest.places}
    unknown = sorted(here - set(trained.items))
    if not unknown:
        return ToAsk(trained, learned_from=True)
    names = ", ".join("/".join(item) for item in unknown[:_NAMED]) + (" ..." if len(unknown) > _NAMED else "")
    left_out = f"the model does not know {names}: left out. Ask it about them with --untrained DIR."
    return ToAsk(trained, learned_from=True, warning=left_out)


def _learned_from(lens: Lens, trained: Dataset) -> bool:
    """Whether these photos of its items are the very photos that the model was trained on."""
    hashes = [file_hash(photo.path) for photo in trained.photos]
    return lens.manifest.provenance.get("data_hash") == data_hash(trained, hashes)
