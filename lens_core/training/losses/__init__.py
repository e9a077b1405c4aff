"""The built-in losses: ``softmax`` learns to name items, ``pairs`` compares photos with each other."""

from __future__ import annotations

from typing import Any

from lens_core.contracts import Loss
from lens_core.hookspecs import hookimpl
from lens_core.training.losses import options

_OPTIONS: dict[str, type[Any]] = {
    "ce": options.CosineSoftmaxOptions,
    "arcface": options.ArcFaceOptions,
    "cosface": options.CosFaceOptions,
    "subcenter_arcface": options.SubCenterArcFaceOptions,
    "triplet": options.TripletOptions,
    "supcon": options.SupConOptions,
    "multisimilarity": options.MultiSimilarityOptions,
}


@hookimpl
def options_type(name: str) -> type[Any]:
    return _OPTIONS[name]


@hookimpl
def make_loss(name: str, options: Any, embedding_dim: int, class_count: int) -> Loss:
    from lens_core.training.losses import pairs, softmax

    make: Any = {**softmax.MAKERS, **pairs.MAKERS}[name]
    loss: Loss = make(options, embedding_dim, class_count)
    return loss
