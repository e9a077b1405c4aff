"""Losses that compare photos with each other; items are named by the mean of their photos."""

from __future__ import annotations

from typing import Any

import torch
from pytorch_metric_learning.distances import CosineSimilarity
from pytorch_metric_learning.losses import MultiSimilarityLoss, SupConLoss, TripletMarginLoss
from pytorch_metric_learning.miners import MultiSimilarityMiner, TripletMarginMiner
from torch import nn

from lens_core.training.losses.options import MultiSimilarityOptions, SupConOptions, TripletOptions


class _Pairs(nn.Module):
    """A loss of pytorch-metric-learning; a miner chooses which of a batch's pairs or triplets it looks at."""

    def __init__(self, loss: Any, miner: Any = None) -> None:
        super().__init__()
        self.loss: Any = loss
        self.miner: Any = miner

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        mined = self.miner(embeddings, labels) if self.miner else None
        value: torch.Tensor = self.loss(embeddings, labels, mined)
        return value


def _triplet(options: TripletOptions, embedding_dim: int, class_count: int) -> nn.Module:
    """Schroff et al., 2015."""
    distance = CosineSimilarity()
    loss = TripletMarginLoss(margin=options.margin, distance=distance)
    if options.miner == "none":
        return _Pairs(loss)
    return _Pairs(loss, TripletMarginMiner(options.margin, options.miner, distance=distance))


def _supcon(options: SupConOptions, embedding_dim: int, class_count: int) -> nn.Module:
    """Khosla et al., 2020."""
    return _Pairs(SupConLoss(temperature=options.temperature))


def _multisimilarity(options: MultiSimilarityOptions, embedding_dim: int, class_count: int) -> nn.Module:
    """Wang et al., 2019."""
    loss = MultiSimilarityLoss(alpha=options.alpha, beta=options.beta, base=options.base)
    return _Pairs(loss, None if options.miner == "none" else MultiSimilarityMiner())


MAKERS = {"triplet": _triplet, "supcon": _supcon, "multisimilarity": _multisimilarity}
