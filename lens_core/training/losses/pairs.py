"""Losses that compare photos with each other; items are named by the mean of their photos."""

from __future__ import annotations

from pytorch_metric_learning.distances import CosineSimilarity
from pytorch_metric_learning.losses import MultiSimilarityLoss, SupConLoss, TripletMarginLoss
from torch import nn

from lens_core.training.losses.options import MultiSimilarityOptions, SupConOptions, TripletOptions


def _triplet(options: TripletOptions, embedding_dim: int, class_count: int) -> nn.Module:
    """Schroff et al., 2015."""
    loss: nn.Module = TripletMarginLoss(margin=options.margin, distance=CosineSimilarity())
    return loss


def _supcon(options: SupConOptions, embedding_dim: int, class_count: int) -> nn.Module:
    """Khosla et al., 2020."""
    loss: nn.Module = SupConLoss(temperature=options.temperature)
    return loss


def _multisimilarity(options: MultiSimilarityOptions, embedding_dim: int, class_count: int) -> nn.Module:
    """Wang et al., 2019."""
    loss: nn.Module = MultiSimilarityLoss(alpha=options.alpha, beta=options.beta, base=options.base)
    return loss


MAKERS = {"triplet": _triplet, "supcon": _supcon, "multisimilarity": _multisimilarity}
