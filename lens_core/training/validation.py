"""How well does the network do after each pass? Asked about photos that it does not learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from attrs import frozen
from numpy.typing import NDArray

from lens_core.contracts import Floats, Photo
from lens_core.decision.calibration import probabilities
from lens_core.decision.scores import Numbers
from lens_core.evaluation.calibrating import USUAL
from lens_core.evaluation.metrics import auroc
from lens_core.parallel import in_order
from lens_core.photos.preprocess import prepare
from lens_core.progress import Progress, no_progress
from lens_core.training.cost import at_size
from lens_core.training.heads import diverged
from lens_core.training.learner import Learner
from lens_core.training.split import Labels

BATCH = 16


@frozen(eq=False)
class HeldOut:
    """Q photos of exhibits that the network does not learn from, and photos that show none."""

    photos: Sequence[Photo]
    labels: Labels
    """int64[Q]."""
    classes: tuple[tuple[str, str], ...]
    """(place, item) of each of the C classes."""
    strays: Sequence[Photo] = ()
    homes: Sequence[str] = ()
    """Of each stray photo, the place it is asked in; empty: every place."""
    hashes: Sequence[str] = ()
    """SHA-256 of each file, of the exhibits' photos and then of the others."""

    @property
    def about(self) -> tuple[Any, ...]:
        """What tells them from any others."""
        return self.classes, self.labels.tolist(), tuple(self.homes), tuple(self.hashes)

    @property
    def places(self) -> NDArray[np.str_]:
        """str[C]."""
        return np.array([place for place, _ in self.classes])


@frozen(eq=False)
class Marks:
    """What came of it."""

    loss: float
    """Mean surprise about the exhibits' items."""
    top1: float
    auroc_reject: float | None
    """Exhibits against photos to be refused, the mean over their kinds; None where there are none."""
    shares: Floats
    """float32[Q, C]: the probability of each item of the photo's place."""


def validate(learner: Learner, directions: torch.Tensor, held_out: HeldOut) -> Marks:
    """Ask about the held-out photos, each in its own place and, as unknowns, elsewhere.

    An item is treated as unknown, too: left out of what its photos are compared with.
    """
    cosines = _cosines(learner, directions, held_out.photos)
    strays = _cosines(learner, directions, held_out.strays)
    places, labels = held_out.places, held_out.labels
    shares = np.zeros(cosines.shape, np.float32)
    unknown: dict[str, list[Numbers]] = {"look_alike": [], "other_place": [], "stray": []}
    for place in np.unique(places):
        inside = places == place
        home = places[labels] == place
        shares[np.ix_(home, inside)] = probabilities(cosines[np.ix_(home, inside)], USUAL)
        unknown["other_place"].append(_surest(cosines[np.ix_(~home, inside)]))
        asked = np.array([where in ("", place) for where in held_out.homes], bool)
        unknown["stray"].append(_surest(strays[np.ix_(asked, inside)]))
        if inside.sum() > 1:
            masked = cosines[home].copy()
            masked[np.arange(home.sum()), labels[home]] = -1
            unknown["look_alike"].append(_surest(masked[:, inside]))
    top1 = float((shares.argmax(axis=1) == labels).mean())
    sureness = shares.max(axis=1).astype(np.float64)
    kinds = [np.concatenate(parts) for parts in unknown.values() if parts]
    aurocs = [auroc(sureness, of_kind) for of_kind in kinds if len(of_kind)]
    surprise = -np.log(shares[np.arange(len(labels)), labels].astype(np.float64).clip(1e-9))
    return Marks(
        float(surprise.mean()),
        top1,
        float(np.mean(aurocs)) if aurocs else None,
        shares,
    )


def directions_of(learner: Learner, photos: Sequence[Photo], labels: Labels) -> torch.Tensor:
    """float32[C, D]: what photos are compared with; of losses that learn none, the mean of these photos."""
    if learner.objective.names_classes:
        return learner.objective.class_directions(torch.empty(0), torch.empty(0))
    embeddings = torch.from_numpy(embed_photos(learner, photos))
    return learner.objective.class_directions(embeddings, torch.from_numpy(labels))


def embed_photos(learner: Learner, photos: Sequence[Photo]) -> Floats:
    """L2-normalised float32[N, D] of whole photos, at the size that the network learns at.

    Raises BadSettingError (E600) of a network that has diverged.
    """
    seen = _shown(learner, photos, lambda images: F.normalize(learner.embed(images)))
    none = torch.empty(0, learner.net.embed.out_features)
    embeddings = torch.cat([none, *(part.cpu() for part in seen)])
    if not bool(torch.isfinite(embeddings).all()):
        raise diverged()
    return np.asarray(embeddings.numpy(), np.float32)


def features_of(learner: Learner, photos: Sequence[Photo], progress: Progress) -> torch.Tensor:
    """The backbone's features float32[N, F] of whole photos, at the size that the network learns at."""
    embed = learner.net.embed
    none = embed.weight.new_empty(0, embed.in_features)
    return torch.cat([none, *_shown(learner, photos, learner.features, progress)])


def _shown(
    learner: Learner,
    photos: Sequence[Photo],
    look: Callable[[torch.Tensor], torch.Tensor],
    progress: Progress = no_progress,
) -> Iterator[torch.Tensor]:
    """What a look at uint8[B, S, S, 3] sees, photos after photos."""
    learner.eval()
    device = next(learner.parameters()).device
    preprocess = at_size(learner.net.preprocess, learner.settings.train_size)
    prepared = in_order(lambda row: prepare(photos[row], preprocess), range(len(photos)), ahead=2 * BATCH)
    for first in range(0, len(photos), BATCH):
        images = np.stack(list(islice(prepared, BATCH)))
        with torch.inference_mode():
            yield look(torch.from_numpy(images).to(device)).float()
        progress(min(first + BATCH, len(photos)), len(photos))


def _cosines(learner: Learner, directions: torch.Tensor, photos: Sequence[Photo]) -> Floats:
    return np.asarray(embed_photos(learner, photos) @ directions.cpu().numpy().T, np.float32)


def _surest(cosines: Floats) -> Numbers:
    """float64[Q]: the probability of the best item."""
    if not len(cosines):
        return np.empty(0)
    return np.asarray(probabilities(cosines, USUAL).max(axis=1), np.float64)
