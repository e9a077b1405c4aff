"""``ai-lens evaluate --model``: a finished model, an export too, asked about photos it has never seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from attrs import frozen

from lens_core.artifacts.cache import file_hash
from lens_core.contracts import Floats, Photo, Pixels, Rows
from lens_core.errors import NotEnoughPhotosError, NoThresholdError
from lens_core.evaluation.asked import EXHIBIT, Asked, Names, PlaceModel, Questions
from lens_core.evaluation.assemble import Measured, of_model
from lens_core.evaluation.examined import Protocol, Rule, protocol
from lens_core.photos import duplicates
from lens_core.photos.layout import Dataset
from lens_core.photos.strays import Misplaced, StrayPhoto, warning_of
from lens_core.progress import Stage
from lens_core.runtime.batch import decoded_batches
from lens_core.runtime.lens import Lens

SAME = 2
"""A photo whose hash differs in at most this many bits from a reference photo's is that photo, saved again.
Of photos saved again smaller or coarser 99 % do; of 553 in three museums no two do: 6 bits at least."""
SAME_DISTANCE = 1e-3
"""As a cosine distance; for galleries that keep no hashes."""


@frozen(eq=False)
class Seen:
    """N photos as the model sees them."""

    names: Names
    homes: Names
    """str[N]: where each was taken; empty for photos of no exhibit, which are asked in every place."""
    items: Names
    embeddings: Floats
    """float32[N, D]."""
    logits: Floats
    """float32[N, C]."""
    phashes: Pixels
    """uint8[N, 64]."""
    shots: Rows
    """int64[N]: near-duplicates share a number."""


@frozen(eq=False)
class Asking:
    """The raw evidence that a model gave of photos it has never seen."""

    asked: tuple[Asked, ...]
    seen: Seen
    warnings: tuple[str, ...]


@frozen(eq=False)
class Visit:
    """What was asked and measured."""

    asking: Asking
    protocol: Protocol
    rule: Rule

    def measured(self, lens: Lens, dataset: Dataset, seed: int) -> Measured:
        """For the report."""
        seen = self.asking.seen
        return Measured(
            (self.protocol,),
            self.rule,
            seen.names,
            seen.embeddings,
            [file_hash(photo.path) for photo in dataset.photos],
            of_model(lens.manifest, lens.path.name),
            seed,
            self.asking.warnings,
        )


def visit(lens: Lens, dataset: Dataset, strays: Sequence[StrayPhoto], seed: int, stage: Stage) -> Visit:
    """Ask the model about every photo that is not among its reference photos.

    Items that it does not know are untrained exhibits. Raises NotEnoughPhotosError (E160) when no photo of an
    item it knows is new, NoThresholdError (E310), and the errors of photos (E12x).
    """
    if lens.manifest.thresholds is None:
        raise NoThresholdError(f"{lens.path} stores no reject threshold, so it decides nothing.")
    rule = Rule(lens.manifest.calibration, lens.manifest.thresholds)
    asking = ask(lens, dataset, strays, stage)
    return Visit(asking, protocol("new_photos", "", rule.answer(asking.asked), seed), rule)


def ask(lens: Lens, dataset: Dataset, strays: Sequence[StrayPhoto], stage: Stage) -> Asking:
    """Raises NotEnoughPhotosError (E160), and the errors of photos (E12x, E150)."""
    seen = _look(lens, dataset, strays, stage)
    misplaced = _misplaced(seen, len(dataset.photos))
    warnings = [warning_of([Misplaced(*pair) for pair in misplaced.values()], len(strays))]
    known_photos = _known(lens, seen)
    if known_photos.any():
        count = int(known_photos.sum())
        warnings.append(f"{count} photos are reference photos of the model; they are left out.")
    new = ~known_photos
    new[list(misplaced)] = False
    known_items = {f"{place}/{item}" for place, item in lens.gallery.items}
    known = np.array([f"{p}/{i}" in known_items for p, i in zip(seen.homes, seen.items, strict=True)])
    if not (new & known).any():
        raise NotEnoughPhotosError(
            f"{dataset.root} has no new photo of an exhibit that {lens.path} knows.",
            "Evaluate without --model: models are then made without the photos they are asked about.",
        )
    asked = [part for place in lens.gallery.places for part in _ask(lens, place, seen, new, known)]
    return Asking(tuple(asked), seen, tuple(filter(None, warnings)))


def _look(lens: Lens, dataset: Dataset, strays: Sequence[StrayPhoto], stage: Stage) -> Seen:
    paths = [photo.path for photo in dataset.photos] + [stray.path for stray in strays]
    embeddings, logits, phashes = [], [], []
    progress = stage("Asking the model")
    for photos in decoded_batches(paths):
        good = [_readable(photo) for photo in photos]
        outputs = lens.see(lens.prepare(good))
        embeddings.append(outputs[0])
        logits.append(outputs[1])
        phashes += [duplicates.phash(photo) for photo in good]
        progress(len(phashes), len(paths))
    own = list(dataset.photos)
    return Seen(
        np.array([dataset.inside(photo) for photo in own] + [stray.name for stray in strays]),
        np.array([photo.place for photo in own] + [stray.home for stray in strays]),
        np.array([photo.item for photo in own] + [""] * len(strays)),
        np.concatenate(embeddings),
        np.concatenate(logits),
        np.stack(phashes),
        duplicates.groups(len(phashes), duplicates.pairs(phashes)),
    )


def _readable(photo: Photo | Exception) -> Photo:
    if isinstance(photo, Exception):
        raise photo
    return photo


def _misplaced(seen: Seen, count: int) -> dict[int, tuple[str, str]]:
    """Row -> (its name, the exhibit's photo that it repeats), of photos that are to be refused."""
    first = {int(shot): row for row, shot in reversed(list(enumerate(seen.shots[:count])))}
    return {
        row: (str(seen.names[row]), str(seen.names[first[int(shot)]]))
        for row, shot in enumerate(seen.shots[count:], count)
        if int(shot) in first
    }


def _known(lens: Lens, seen: Seen) -> np.ndarray:
    """bool[N]: which photos are reference photos of the model, perhaps saved again."""
    if (references := lens.gallery.phashes) is not None:
        count = len(references)
        near = duplicates.pairs([*references, *seen.phashes], SAME)
        again = np.zeros(len(seen.names), bool)
        again[[second - count for first, second in near if first < count <= second]] = True
        return again
    nearest = [
        (seen.embeddings[start : start + 256] @ lens.gallery.embeddings.T).max(axis=1)
        for start in range(0, len(seen.names), 256)
    ]
    return np.asarray(1 - np.concatenate(nearest) < SAME_DISTANCE)


def _ask(lens: Lens, place: str, seen: Seen, new: np.ndarray, known: np.ndarray) -> Iterator[Asked]:
    rows = lens.gallery.of_place(place)
    model = PlaceModel.of(place, rows.embeddings, [item for _, item in rows.labels])
    here, anywhere = seen.homes == place, seen.homes == ""
    kinds = {
        EXHIBIT: new & here & known,
        "untrained": new & here & ~known,
        "other_place": new & ~here & ~anywhere & known,
        "ood": new & anywhere,
    }
    for kind, flags in kinds.items():
        if flags.any():
            items = seen.items[flags] if kind == EXHIBIT else np.full(int(flags.sum()), "")
            questions = Questions(kind, seen.names[flags], seen.shots[flags], items)
            cosines = lens.score(place, seen.embeddings[flags], seen.logits[flags]).cosines
            yield model.ask(questions, seen.embeddings[flags], cosines)
