"""The built-in losses ``ce``, ``arcface`` and ``triplet``."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from attrs import frozen
from torch import nn

from lens_core.contracts import Loss
from lens_core.hookspecs import hookimpl


@frozen
class CosineSoftmaxOptions:
    scale: float = 16.0
    """How sharply cosines are told apart: logits are ``scale * cosine``."""


@frozen
class ArcFaceOptions:
    margin: float = 0.3
    """Angle, in radians, that the right class must be ahead by (ArcFace, Deng et al., 2019)."""
    scale: float = 24.0


@frozen
class TripletOptions:
    margin: float = 0.2
    """Cosine distance that a photo of another item must be further away than one of the same item."""


_OPTIONS: dict[str, type] = {
    "ce": CosineSoftmaxOptions,
    "arcface": ArcFaceOptions,
    "triplet": TripletOptions,
}


@hookimpl
def options_type(name: str) -> type:
    return _OPTIONS[name]


@hookimpl
def make_loss(
    name: str,
    options: CosineSoftmaxOptions | ArcFaceOptions | TripletOptions,
    embedding_dim: int,
    class_count: int,
) -> Loss:
    if isinstance(options, CosineSoftmaxOptions):
        return CosineSoftmax(embedding_dim, class_count, options.scale)
    if isinstance(options, ArcFaceOptions):
        return ArcFace(embedding_dim, class_count, options)
    return _triplet(options)


class CosineSoftmax(nn.Module):
    """Cross-entropy over cosines to one direction per class (NormFace, Wang et al., 2017).

    On unit vectors an item enrolled later is scored like a trained one, and a photo unlike everything stays
    at a low cosine to every class.
    """

    def __init__(self, embedding_dim: int, class_count: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.directions = nn.Parameter(F.normalize(torch.randn(class_count, embedding_dim)))

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        cosines = F.normalize(embeddings) @ F.normalize(self.directions).T
        return F.cross_entropy(self.scale * cosines, labels)

    def class_directions(self) -> torch.Tensor:
        return F.normalize(self.directions)

    def start_from(self, directions: torch.Tensor) -> None:
        with torch.no_grad():
            self.directions.copy_(directions)


class ArcFace(nn.Module):
    """pytorch-metric-learning's ArcFace, with its class weights readable as directions."""

    def __init__(self, embedding_dim: int, class_count: int, options: ArcFaceOptions) -> None:
        super().__init__()
        from pytorch_metric_learning.losses import ArcFaceLoss

        degrees = options.margin * 180 / torch.pi
        self.loss = ArcFaceLoss(class_count, embedding_dim, margin=degrees, scale=options.scale)

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        value: torch.Tensor = self.loss(embeddings, labels)
        return value

    def class_directions(self) -> torch.Tensor:
        return F.normalize(self.loss.W.T)

    def start_from(self, directions: torch.Tensor) -> None:
        with torch.no_grad():
            self.loss.W.copy_(directions.T)


def _triplet(options: TripletOptions) -> Loss:
    from pytorch_metric_learning.distances import CosineSimilarity
    from pytorch_metric_learning.losses import TripletMarginLoss

    loss: Loss = TripletMarginLoss(margin=options.margin, distance=CosineSimilarity())
    return loss
