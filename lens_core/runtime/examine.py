"""How well a model answers on a museum's photos: what int8 may cost is judged by it, ``bench`` shows it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import attrs
import numpy as np
from attrs import frozen

from lens_core.artifacts.atomic import write_json
from lens_core.artifacts.gallery import Gallery
from lens_core.artifacts.probes import evenly
from lens_core.contracts import Floats, Photo, Pixels, Preprocess
from lens_core.decision.rule import decide
from lens_core.decision.scores import auroc
from lens_core.photos.decode import decode
from lens_core.photos.layout import ood_photos
from lens_core.photos.preprocess import prepare
from lens_core.runtime.lens import USUAL, Lens, Scores
from lens_core.runtime.material import trained_photos
from lens_core.runtime.search import GallerySearch

MOST_PHOTOS = 300
"""So many are asked at most; each also as a changed view, which the model was not trained on."""
_LABELS, _EXHIBITS, _STRAYS = "labels.json", "exhibits.npy", "strays.npy"

View = Callable[[Photo, Preprocess, int], Pixels]
"""A changed view of a photo, uint8[S, S, 3]; another number is another change."""


@frozen(eq=False)
class Material:
    """Photos of exhibits, as they are and changed, and photos that show none; prepared for the model."""

    labels: tuple[tuple[str, str], ...]
    """(place, item) of each exhibit's photo."""
    exhibits: Pixels
    """uint8[N, S, S, 3]."""
    strays: Pixels
    """uint8[M, S, S, 3]; there may be none."""

    @classmethod
    def gather(
        cls, lens: Lens, data_root: Path, ood: Path | None, view: View | None, size: int | None = None
    ) -> Material:
        """From the photos the model was trained on, evenly of every item; without ``view`` only as they are.

        ``size`` in pixels stands in for the model's own. Raises LayoutError (E100) when there are none.
        """
        chosen = evenly(trained_photos(data_root, lens).photos, MOST_PHOTOS)
        own = lens.manifest.preprocess
        preprocess = attrs.evolve(own, size=size) if size else own
        exhibits: list[Pixels] = []
        for number, file in enumerate(chosen):
            photo = decode(file.path)
            exhibits.append(prepare(photo, preprocess))
            if view:
                exhibits.append(view(photo, preprocess, number))
        strays = [prepare(decode(path), preprocess) for path in ood_photos(data_root, ood)[:MOST_PHOTOS]]
        each = len(exhibits) // len(chosen)
        return cls(
            tuple((file.place, file.item) for file in chosen for _ in range(each)),
            np.stack(exhibits),
            np.stack(strays) if strays else np.empty((0, *exhibits[0].shape), np.uint8),
        )

    def write(self, folder: Path) -> None:
        """Keep it for another process."""
        write_json(folder / _LABELS, self.labels)
        np.save(folder / _EXHIBITS, self.exhibits)
        np.save(folder / _STRAYS, self.strays)

    @classmethod
    def read(cls, folder: Path) -> Material:
        """What was written, mapped from the disk: nothing is read before it is asked about."""
        labels = json.loads((folder / _LABELS).read_text(encoding="utf-8"))
        exhibits, strays = (np.load(folder / name, mmap_mode="c") for name in (_EXHIBITS, _STRAYS))
        return cls(tuple((place, item) for place, item in labels), exhibits, strays)


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
    aurocs: dict[str, float]
    """How well what T is compared with tells exhibits from each kind of unknown; needs no thresholds."""


def measure(lens: Lens, material: Material) -> Figures:
    """Ask every photo at its own place, and as an unknown in every way there is."""
    exhibits = lens.see(material.exhibits)
    strays = lens.see(material.strays) if len(material.strays) else None
    places, items = (np.array(names) for names in zip(*material.labels, strict=True))
    known: list[tuple[Scores, list[str]]] = []
    unknown: dict[str, list[Scores]] = {}
    for place in lens.manifest.places:
        here = places == place
        if not here.any():
            continue
        known.append((lens.score(place, *_rows(exhibits, here)), items[here].tolist()))
        for kind, scores in _as_unknown(lens, place, exhibits, strays, here, items):
            unknown.setdefault(kind, []).append(scores)
    photos = [(scores, row, item) for scores, names in known for row, item in enumerate(names)]
    sure = np.concatenate([_sureness(scores) for scores, _ in known])
    return Figures(
        float(np.mean([scores.evidence(row).best_item == item for scores, row, item in photos])),
        float(np.mean([decision(lens, scores, row) == item for scores, row, item in photos])),
        {kind: float(np.mean(_accepted(lens, parts))) for kind, parts in unknown.items()},
        {kind: auroc(sure, np.concatenate([*map(_sureness, parts)])) for kind, parts in unknown.items()},
    )


def points_lost(before: Figures, after: Figures) -> dict[str, float]:
    """Percentage points by which each share is worse; negative where it is better."""
    worse = {kind: after.false_accepts[kind] - share for kind, share in before.false_accepts.items()}
    lost = {
        "top1": before.top1 - after.top1,
        "answered_rightly": before.answered_rightly - after.answered_rightly,
        **worse,
    }
    return {kind: round(100 * share, 2) for kind, share in lost.items()}


def decision(lens: Lens, scores: Scores, row: int) -> str | None:
    """The item that is accepted for one photo; None for ``recollect``."""
    return decide(scores.evidence(row), lens.manifest.thresholds or USUAL).item


Seen = tuple[Floats, Floats]
"""What the network makes of photos: embeddings and logits."""


def _rows(seen: Seen, rows: np.ndarray) -> Seen:
    return seen[0][rows], seen[1][rows]


def _sureness(scores: Scores) -> Floats:
    """float32[Q]: what T is compared with."""
    return scores.probabilities.max(axis=1) if scores.rejection is None else scores.rejection


def _accepted(lens: Lens, parts: Sequence[Scores]) -> list[bool]:
    return [
        decision(lens, scores, row) is not None for scores in parts for row in range(len(scores.distances))
    ]


def _as_unknown(
    lens: Lens, place: str, exhibits: Seen, strays: Seen | None, here: np.ndarray, items: np.ndarray
) -> Iterator[tuple[str, Scores]]:
    """(kind, answers) of photos that the place must refuse; each of its items is taken out of it in turn."""
    if not here.all():
        yield "other_place", lens.score(place, *_rows(exhibits, ~here))
    if strays:
        yield "ood", lens.score(place, *strays)
    rows = lens.gallery.of_place(place)
    labels = rows.labels
    for item in sorted(set(items[here])):
        kept = [row for row, label in enumerate(labels) if label[1] != item]
        if kept:
            others = Gallery.of(rows.embeddings[kept], [labels[row] for row in kept])
            asked = _rows(exhibits, here & (items == item))
            yield "look_alike", lens.score(place, *asked, GallerySearch(others).of_place(place))
