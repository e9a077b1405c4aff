"""Losses that learn one direction per class, and so can name a photo's item."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from pytorch_metric_learning.losses import ArcFaceLoss, CosFaceLoss, SubCenterArcFaceLoss
from pytorch_metric_learning.reducers import ClassWeightedReducer
from torch import nn

from lens_core.training.losses.options import (
    ArcFaceOptions,
    CosFaceOptions,
    CosineSoftmaxOptions,
    SubCenterArcFaceOptions,
)


class CosineSoftmax(nn.Module):
    """Cross-entropy over cosines to one direction per class (NormFace, Wang et al., 2017).

    On unit vectors an item enrolled later is scored like a trained one, and a photo unlike everything stays
    at a low cosine to every class.
    """

    def __init__(self, options: CosineSoftmaxOptions, embedding_dim: int, class_count: int) -> None:
        super().__init__()
        self.scale = options.scale
        self.directions = nn.Parameter(F.normalize(torch.randn(class_count, embedding_dim)))
        self.weights = torch.ones(class_count)

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        cosines = F.normalize(embeddings) @ F.normalize(self.directions).T
        each = F.cross_entropy(self.scale * cosines, labels, reduction="none")
        return (each * self.weights.to(each.device)[labels]).mean()

    def weigh(self, weights: torch.Tensor) -> None:
        self.weights = weights

    def class_directions(self) -> torch.Tensor:
        return F.normalize(self.directions)

    def start_from(self, directions: torch.Tensor) -> None:
        with torch.no_grad():
            self.directions.copy_(directions)


class _WithMargin(nn.Module):
    """A classification loss of pytorch-metric-learning, with its weights ``W`` [D, C * S] as directions."""

    def __init__(self, loss: Any, centers: int = 1) -> None:
        super().__init__()
        self.loss: Any = loss
        self.centers = centers

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        value: torch.Tensor = self.loss(embeddings, labels)
        return value

    def weigh(self, weights: torch.Tensor) -> None:
        self.loss.reducer = ClassWeightedReducer(weights)

    def class_directions(self) -> torch.Tensor:
        """The mean of a class's centers, so that an answer keeps one direction per class."""
        centers = F.normalize(self.loss.W.T)
        return F.normalize(centers.reshape(-1, self.centers, centers.shape[1]).mean(dim=1))

    def start_from(self, directions: torch.Tensor) -> None:
        """All centers of a class begin at its direction, a little apart so that they can part further."""
        repeated = directions.repeat_interleave(self.centers, dim=0)
        if self.centers > 1:
            repeated = repeated + 0.1 * F.normalize(torch.randn_like(repeated))
        with torch.no_grad():
            self.loss.W.copy_(F.normalize(repeated).T)


def _arcface(options: ArcFaceOptions, embedding_dim: int, class_count: int) -> nn.Module:
    """Deng et al., 2019."""
    degrees = options.margin * 180 / torch.pi
    return _WithMargin(ArcFaceLoss(class_count, embedding_dim, margin=degrees, scale=options.scale))


def _cosface(options: CosFaceOptions, embedding_dim: int, class_count: int) -> nn.Module:
    """Wang et al., 2018."""
    loss = CosFaceLoss(class_count, embedding_dim, margin=options.margin, scale=options.scale)
    return _WithMargin(loss)


def _subcenter_arcface(options: SubCenterArcFaceOptions, embedding_dim: int, class_count: int) -> nn.Module:
    """Deng et al., 2020."""
    loss = SubCenterArcFaceLoss(
        num_classes=class_count,
        embedding_size=embedding_dim,
        margin=options.margin * 180 / torch.pi,
        scale=options.scale,
        sub_centers=options.centers,
    )
    return _WithMargin(loss, options.centers)


MAKERS = {
    "ce": CosineSoftmax,
    "arcface": _arcface,
    "cosface": _cosface,
    "subcenter_arcface": _subcenter_arcface,
}
