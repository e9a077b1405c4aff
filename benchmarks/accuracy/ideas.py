"""What might help beyond heads, and what each costs per photo asked about."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from heads import Seen, asked_of
from protocol import Museums, Outcome, lesson_and_test, p_top1
from torch import nn

from lens_core.artifacts.gallery import normalise
from lens_core.contracts import Floats, Pixels
from lens_core.decision.calibration import probabilities
from lens_core.evaluation.calibrating import USUAL
from lens_core.evaluation.judged import judge
from lens_core.photos.decode import decode
from lens_core.settings import Settings
from lens_core.training.recipes import fit_on_features
from lens_core.training.split import Labels

LONG_SIDE, POINTS = 640, 800
RATIO, TOLERANCE = 0.8, 8.0
TOP = 3
GREY = 0.5
"""A lead of the best item over the second, below which a second opinion is asked for."""
WORTH = 0.04
"""Of the logarithm of matching points, in cosine; chosen on seeds 0 to 2."""
FEW = 5
"""So many points match by chance."""
Points = tuple[Floats, Floats]
"""(where float32[P, 2], what it looks like there float32[P, 128])."""


def spread(museums: Museums, seen: Seen, seed: int, settings: Settings) -> Outcome:
    """How sure is told by a distance that knows how items and the place vary (relative Mahalanobis)."""
    lesson, test = lesson_and_test(museums, seen.features, seed, settings)
    judged = judge(asked_of(museums, seen, lesson, test, seed), USUAL)
    return attrs.evolve(Outcome.of_judged(judged), score=judged.signals["mahalanobis"])


def several_sizes(museums: Museums, seen: Seen, seed: int, settings: Settings) -> Outcome:
    """Each photo is asked about at several sizes; the mean of its embeddings answers."""
    lesson, test = lesson_and_test(museums, seen.features, seed, settings)
    heads = fit_on_features(lesson, np.arange(len(lesson.labels)), seed).heads
    exhibits = [seen.features.values[:, 0], *(exhibits for exhibits, _ in seen.other_sizes)]
    ood = [seen.ood, *(ood for _, ood in seen.other_sizes)]
    known, unknown = (
        normalise(np.sum([heads.embed(rows) for rows in sizes], axis=0, dtype=np.float32))
        for sizes in (exhibits, ood)
    )
    scores = (embeddings @ heads.directions.T for embeddings in (known[test], unknown))
    return attrs.evolve(Outcome.of_scores(museums, test, *scores, p_top1), milliseconds=seen.milliseconds)


def second_opinion(museums: Museums, seen: Seen, seed: int, settings: Settings) -> Outcome:
    """In the grey zone the best three are compared point by point: SIFT, and RANSAC for an affine map.

    It changes which item is named, not how sure: that told exhibits from untrained ones worse.
    """
    lesson, test = lesson_and_test(museums, seen.features, seed, settings)
    heads = fit_on_features(lesson, np.arange(len(lesson.labels)), seed).heads
    known, unknown = (
        heads.embed(rows) @ heads.directions.T for rows in (seen.features.values[test, 0], seen.ood)
    )
    first = Outcome.of_scores(museums, test, known, unknown, p_top1)
    files = [photo.path for photo in museums.dataset.photos]
    labels = np.delete(museums.labels, test)
    gallery = [points_of(file) for row, file in enumerate(files) if row not in test]
    seconds = []
    homes = museums.place_of[museums.labels[test]]
    for scores, home, file in (
        *zip(known, homes, [files[row] for row in test], strict=True),
        *zip(unknown, museums.ood_home, museums.ood_files, strict=True),
    ):
        best = _doubtful(scores, np.flatnonzero(museums.place_of == home))
        if len(best):
            pixels, began = decode(file).pixels, time.monotonic()
            own = points(pixels)
            for item in best:
                matching = max(_matching(own, gallery[row]) for row in np.flatnonzero(labels == item))
                scores[item] += WORTH * np.log1p(max(0, matching - FEW))
            seconds.append(time.monotonic() - began)
    named = Outcome.of_scores(museums, test, known, unknown, p_top1)
    return attrs.evolve(named, score=first.score, milliseconds=1000 * float(np.mean(seconds)))


def _doubtful(scores: Floats, inside: Labels) -> Labels:
    """The best three items of a place, where the best does not lead clearly; of no place none."""
    if not len(inside):
        return inside
    shares = np.sort(probabilities(scores[None, inside], USUAL)[0])
    clear = shares[-1] - shares[-2] >= GREY
    return inside[np.argsort(-scores[inside])[: 0 if clear else TOP]]


def points(pixels: Pixels) -> Points:
    """RootSIFT (Arandjelović and Zisserman, 2012) of uint8[H, W, 3]."""
    import cv2

    scale = LONG_SIDE / max(pixels.shape[:2])
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found, looks = cv2.SIFT_create(POINTS).detectAndCompute(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), None)
    if looks is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    where = np.array([point.pt for point in found], np.float32)
    return where, np.sqrt(looks / np.maximum(looks.sum(axis=1, keepdims=True), 1e-6))


@cache
def points_of(file: Path) -> Points:
    """Of a reference photo, as a gallery would keep them."""
    return points(decode(file).pixels)


def _matching(one: Points, other: Points) -> int:
    """How many points of one photo lie where an affine map of the other puts them."""
    import cv2

    (where, looks), (other_where, other_looks) = one, other
    if min(len(where), len(other_where)) < FEW:
        return 0
    similar = looks @ other_looks.T
    two = np.argpartition(-similar, 1, axis=1)[:, :2]
    values = np.take_along_axis(similar, two, axis=1)
    nearest = np.take_along_axis(two, np.argmax(values, axis=1)[:, None], axis=1)[:, 0]
    apart = np.sqrt(np.maximum(2 - 2 * np.sort(values, axis=1), 0))
    clear = apart[:, 1] < RATIO * apart[:, 0]
    if clear.sum() < FEW:
        return 0
    _, inside = cv2.estimateAffine2D(
        where[clear], other_where[nearest[clear]], ransacReprojThreshold=TOLERANCE, maxIters=1000
    )
    return 0 if inside is None else int(inside.sum())


class GeM(nn.Module):
    """Generalised mean over float32[N, F, H, W] (Radenović et al., 2019)."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values.clamp(min=1e-6).pow(3).mean(dim=(2, 3)).pow(1 / 3)


def gem(net: Any) -> None:
    """Pool a timm network's features by GeM."""
    net.backbone.net.global_pool = GeM()
