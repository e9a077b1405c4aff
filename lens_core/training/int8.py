"""What an int8 export may cost: measured on the museum's own photos, before and after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from attrs import frozen

from lens_core.artifacts.gallery import Gallery
from lens_core.artifacts.manifest import Certificate
from lens_core.artifacts.probes import evenly
from lens_core.contracts import Floats, Pixels
from lens_core.errors import BadSettingError, ExportMismatchError
from lens_core.photos.decode import decode
from lens_core.photos.layout import ood_photos
from lens_core.photos.preprocess import prepare
from lens_core.runtime.lens import Lens, Scores
from lens_core.runtime.material import trained_photos
from lens_core.runtime.search import GallerySearch
from lens_core.settings import Augment
from lens_core.training.augment import random_view
from lens_core.training.parity import decision

MOST_PHOTOS = 300
"""So many are asked at most; each also as a changed view, which the model was not trained on."""
CALIBRATION = 100
"""At most so many photos, from which the quantiser learns the range of every number in the network."""
ALLOWED_LOSS = 1.0
"""Percentage points by which each figure may be worse, unless told otherwise."""
SEED = 8


@frozen(eq=False)
class Material:
    """Photos of exhibits, as they are and changed, and photos that show none; prepared for the model."""

    places: tuple[str, ...]
    """Of each exhibit's photo."""
    items: tuple[str, ...]
    exhibits: Pixels
    """uint8[N, S, S, 3]."""
    strays: Pixels
    """uint8[M, S, S, 3]; there may be none."""


@frozen
class Figures:
    """What was measured of one model; shares are 0..1."""

    top1: float
    """Photos whose right item comes first."""
    answered_rightly: float
    """Photos accepted as the right item; the rest is wrong or to be taken again."""
    false_accepts: dict[str, float]
    """Photos accepted although unknown: ``look_alike`` (each item in turn taken out of its place),
    ``other_place``, ``ood``."""


@frozen(eq=False)
class Gate:
    """The checkpoint's figures on these photos, and how much worse an int8 export's may be."""

    checkpoint: Lens
    material: Material
    allowed_loss: float
    """Percentage points."""

    @classmethod
    def of(cls, checkpoint: Lens, data_root: Path, ood: Path | None, allowed_loss: float) -> Gate:
        """Prepare what will be asked: evenly from every item. Raises BadSettingError (E600)."""
        if not 0 <= allowed_loss <= 100:
            raise BadSettingError(
                f"The loss allowed must be 0 to 100 points, not {allowed_loss}.", "1 is usual."
            )
        chosen = evenly(trained_photos(data_root, checkpoint).photos, MOST_PHOTOS)
        preprocess = checkpoint.manifest.preprocess
        exhibits: list[Pixels] = []
        for number, file in enumerate(chosen):
            photo = decode(file.path)
            view = random_view(photo, preprocess, Augment(), SEED + number)
            exhibits += [prepare(photo, preprocess), view]
        strays = [prepare(decode(path), preprocess) for path in ood_photos(data_root, ood)[:MOST_PHOTOS]]
        material = Material(
            tuple(file.place for file in chosen for _ in range(2)),
            tuple(file.item for file in chosen for _ in range(2)),
            np.stack(exhibits),
            np.stack(strays) if strays else np.empty((0, *exhibits[0].shape), np.uint8),
        )
        return cls(checkpoint, material, allowed_loss)

    def calibration_images(self) -> Pixels:
        """uint8[N, S, S, 3]: evenly from all exhibits' photos, as they are."""
        unchanged = self.material.exhibits[::2]
        return unchanged[:: -(-len(unchanged) // CALIBRATION)]

    def check(self, export: Lens) -> Certificate:
        """Raises ExportMismatchError (E230) with the table of what got worse."""
        before, after = measure(self.checkpoint, self.material), measure(export, self.material)
        lost = points_lost(before, after)
        if not max(lost.values()) <= self.allowed_loss:
            raise ExportMismatchError(
                f"The int8 export loses more than {self.allowed_loss:g} points on "
                f"{len(self.material.exhibits)} pictures of the exhibits.",
                "Nothing was written. Export without --quantize, or allow more with --max-loss.",
                table=[HEAD, *_rows(before, after, lost)],
            )
        return Certificate(
            precision="int8",
            checked="photos",
            photos=len(self.material.exhibits) + len(self.material.strays),
            points_lost=lost,
            points_allowed=self.allowed_loss,
        )


HEAD = ("figure", "checkpoint", "int8", "points lost")


def _rows(before: Figures, after: Figures, lost: dict[str, float]) -> list[tuple[str, ...]]:
    shares = {
        "top1": (before.top1, after.top1),
        "answered_rightly": (before.answered_rightly, after.answered_rightly),
    }
    shares |= {kind: (share, after.false_accepts[kind]) for kind, share in before.false_accepts.items()}
    return [
        (
            f"accepted: {kind}" if kind in before.false_accepts else kind,
            f"{old:.1%}",
            f"{new:.1%}",
            f"{lost[kind]:+.2f}",
        )
        for kind, (old, new) in shares.items()
    ]


def measure(lens: Lens, material: Material) -> Figures:
    """Ask every photo at its own place, and as an unknown in every way there is."""
    embeddings, logits = lens.see(material.exhibits)
    strays = lens.see(material.strays) if len(material.strays) else None
    places, items = np.array(material.places), np.array(material.items)
    first: list[bool] = []
    answered: list[bool] = []
    accepted: dict[str, list[bool]] = {}
    for place in lens.manifest.places:
        here, elsewhere = places == place, places != place
        if not here.any():
            continue
        scores = lens.score(place, embeddings[here], logits[here])
        first += [scores.evidence(row).best_item == item for row, item in enumerate(items[here])]
        answered += [decision(lens, scores, row) == item for row, item in enumerate(items[here])]
        unknown = {"other_place": (embeddings[elsewhere], logits[elsewhere])} if elsewhere.any() else {}
        for kind, outputs in (unknown | ({"ood": strays} if strays else {})).items():
            accepted.setdefault(kind, []).extend(_accepted(lens, lens.score(place, *outputs)))
        for item in sorted(set(items[here])):
            rows = here & (items == item)
            alone = _without(lens, place, item, embeddings[rows], logits[rows])
            if alone:
                accepted.setdefault("look_alike", []).extend(_accepted(lens, alone))
    shares = {kind: float(np.mean(flags)) for kind, flags in accepted.items()}
    return Figures(float(np.mean(first)), float(np.mean(answered)), shares)


def points_lost(before: Figures, after: Figures) -> dict[str, float]:
    """Percentage points by which each figure is worse; negative where it is better."""
    worse = {kind: after.false_accepts[kind] - share for kind, share in before.false_accepts.items()}
    lost = {
        "top1": before.top1 - after.top1,
        "answered_rightly": before.answered_rightly - after.answered_rightly,
        **worse,
    }
    return {kind: round(100 * share, 2) for kind, share in lost.items()}


def _accepted(lens: Lens, scores: Scores) -> list[bool]:
    return [decision(lens, scores, row) is not None for row in range(len(scores.distances))]


def _without(lens: Lens, place: str, item: str, embeddings: Floats, logits: Floats) -> Scores | None:
    """The answers of a place that has never heard of one of its items; None where no other is left."""
    rows = lens.gallery.of_place(place)
    kept = {row: label for row, label in enumerate(rows.labels) if label[1] != item}
    if not kept:
        return None
    others = Gallery.of(rows.embeddings[list(kept)], list(kept.values()))
    return lens.score(place, embeddings, logits, GallerySearch(others).of_place(place))
