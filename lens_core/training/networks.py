"""The two networks of a run that fine-tunes: one to be measured, which some photos and items were kept from,
and one to be used, which has learned from everything."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import attrs
import numpy as np
from attrs import frozen

from lens_core.artifacts.cache import file_hash
from lens_core.artifacts.runs import TUNING
from lens_core.contracts import Photo, Pixels, Preprocess
from lens_core.parallel import in_order
from lens_core.photos.strays import StrayPhoto
from lens_core.progress import Tell, no_progress
from lens_core.training.cost import at_size
from lens_core.training.desk import Desk
from lens_core.training.devices import is_main
from lens_core.training.finetune import Taught, Tuned, finetune
from lens_core.training.lesson import duplicate_groups, labels_of, names_of, rightly_placed
from lens_core.training.mining import Pair
from lens_core.training.network import LensNet
from lens_core.training.passes import Pass, Watch, both
from lens_core.training.split import Labels
from lens_core.training.validation import HeldOut
from lens_core.training.views import keep_photos, phashes_of, some
from lens_core.training.withheld import Withheld, withhold


@frozen(eq=False)
class Measured:
    """The network that the figures come from."""

    net: LensNet
    withheld: Withheld
    passes: tuple[Pass, ...]


def tune(net: LensNet, desk: Desk, watch: Watch, tell: Tell) -> Measured | None:
    """Fine-tune ``net`` on all photos, and before that another one to be measured.

    None where there are too few photos to withhold any, and in a process that helps another.
    """
    settings, dataset, stage = desk.settings, desk.dataset, desk.stage
    labels, paths = labels_of(dataset), [photo.path for photo in dataset.photos]
    size = at_size(net.preprocess, settings.train_size)
    photos = keep_photos(paths, size, stage("Reading the photos"))
    phashes = phashes_of(photos, stage("Comparing the photos"))
    everything = Taught(photos, labels, len(dataset.items), list(in_order(file_hash, paths)))
    strays = _strays(desk, size, phashes)
    withheld = withhold(labels, dataset.items, duplicate_groups(phashes), settings.seed)
    first = None
    if withheld:
        first = _tune_first(copy.deepcopy(net), desk, everything, strays, withheld, watch, tell)
    elif is_main() and (settings.mining_from or settings.patience):
        tell("warning: no photo can be held out of learning: mining_from and patience are without effect")
    if first and withheld and first.wish.signal is not None:
        desk.leave_snapshots(first, withheld)
        first.wish.obey()
    pairs, until = _found(first, labels, withheld, settings.mining_from)
    second = finetune(
        net,
        everything,
        settings,
        desk.save_dir / TUNING / "all",
        dwell_on=pairs,
        until=until,
        looking=stage,
        progress=stage("Fine-tuning on all photos" if first else "Fine-tuning"),
        tell=tell,
    )
    # Only now: other processes wait for this one while they share a training.
    if first and withheld:
        desk.leave_snapshots(first, withheld)
    second.wish.obey()
    net.load_state_dict(second.last.net.state_dict())
    net.eval()
    if not (first and withheld and is_main()):
        return None
    return Measured(first.chosen.net.eval(), withheld, first.passes)


def _strays(desk: Desk, size: Preprocess, phashes: Sequence[Pixels]) -> dict[StrayPhoto, Photo]:
    """Photos that show no exhibit; ``phashes`` are those of the exhibits' photos. Raises ShowsExhibitError
    (E150): now, not after an hour of learning."""
    if not desk.strays:
        return {}
    photos = keep_photos([stray.path for stray in desk.strays], size, no_progress)
    kept, _ = rightly_placed(desk.strays, names_of(desk.dataset), phashes, phashes_of(photos, no_progress))
    return {desk.strays[row]: photos[row] for row in kept}


def _tune_first(
    net: LensNet,
    desk: Desk,
    everything: Taught,
    strays: Mapping[StrayPhoto, Photo],
    withheld: Withheld,
    watch: Watch,
    tell: Tell,
) -> Tuned:
    """Without what is withheld; asked about it after each pass."""
    items, photos, labels = desk.dataset.items, everything.photos, everything.labels
    file_hashes = np.array(everything.hashes)
    known = withheld.known(labels)
    taught = Taught(
        some(photos, withheld.learned.tolist()),
        np.searchsorted(known, labels[withheld.learned]),
        len(known),
        file_hashes[withheld.learned].tolist(),
    )
    never = np.flatnonzero(np.isin(labels, withheld.unknown))
    held_out = HeldOut(
        some(photos, withheld.asked.tolist()),
        np.searchsorted(known, labels[withheld.asked]),
        tuple(items[number] for number in known),
        [*some(photos, never.tolist()), *strays.values()],
        [*(items[labels[row]][0] for row in never), *(stray.home for stray in strays)],
        [*file_hashes[withheld.asked], *file_hashes[never], *(desk.refused[stray.name] for stray in strays)],
    )
    return finetune(
        net,
        taught,
        desk.settings,
        desk.save_dir / TUNING / "measured",
        held_out=held_out,
        looking=desk.stage,
        progress=desk.stage("Fine-tuning"),
        tell=tell,
        watch=both(desk.watch(taught, held_out), watch),
    )


def _found(
    first: Tuned | None, labels: Labels, withheld: Withheld | None, mining_from: int | None
) -> tuple[list[Pair], int | None]:
    """What the first network has found out for the second: (confused pairs, after which pass to end).

    Those are all that it dwelt on itself, whether or not it has learned to tell them apart, and those that
    it confused in the end; none without mining.
    """
    if first is None or withheld is None or not first.passes:
        return [], None
    if not mining_from:
        return [], first.chosen_pass
    known = withheld.known(labels)
    dwelt_on = first.passes[max(0, mining_from - 2) :]
    worst: dict[tuple[int, int], Pair] = {}
    for pair in sorted((pair for one in dwelt_on for pair in one.confused), key=lambda pair: pair.share):
        worst[pair.first, pair.second] = pair
    pairs = [
        attrs.evolve(pair, first=int(known[pair.first]), second=int(known[pair.second]))
        for pair in worst.values()
    ]
    return sorted(pairs, key=lambda pair: -pair.share), first.chosen_pass
