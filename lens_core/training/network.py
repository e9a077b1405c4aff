"""The network that is trained, saved and exported: photo in, embedding and class scores out."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import nn

from lens_core import plugins
from lens_core.blame import blaming
from lens_core.contracts import Backbone, BackboneOptions, Preprocess
from lens_core.settings import Settings
from lens_core.training.heads import Heads


class LensNet(nn.Module):
    """uint8[N, S, S, 3] -> (embeddings float32[N, D], L2-normalised; cosines to each class float32[N, C]).

    Normalisation is inside, so an exported graph takes pixels as they are.
    """

    directions: torch.Tensor
    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, backbone: Backbone, embedding_dim: int, class_count: int) -> None:
        super().__init__()
        self.preprocess: Preprocess = backbone.preprocess
        self.full_name, self.licence = backbone.full_name, backbone.licence
        self.backbone = cast("nn.Module", backbone)
        self.embed = nn.Linear(backbone.dim, embedding_dim)
        self.register_buffer("directions", torch.zeros(class_count, embedding_dim))
        self.register_buffer("mean", _channels(self.preprocess.mean), persistent=False)
        self.register_buffer("std", _channels(self.preprocess.std), persistent=False)

    def take(self, heads: Heads) -> None:
        """Use these trained heads."""
        with torch.no_grad():
            self.embed.weight.copy_(torch.from_numpy(heads.weight))
            self.embed.bias.copy_(torch.from_numpy(heads.bias))
            self.directions.copy_(torch.from_numpy(heads.directions))

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """uint8[N, S, S, 3] -> the backbone's features float32[N, F]."""
        pixels = images.permute(0, 3, 1, 2).float() / 255
        features: torch.Tensor = self.backbone((pixels - self.mean) / self.std)
        return features

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        embeddings = F.normalize(self.embed(self.features(images)))
        return embeddings, embeddings @ self.directions.T


def _channels(values: tuple[float, float, float]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32).reshape(1, 3, 1, 1)


def make_backbone(settings: Settings) -> Backbone:
    """The chosen backbone, with published, local or random weights."""
    driver = plugins.load("backbone", settings.backbone)
    given: dict[str, object] = {
        "pretrained": settings.pretrained,
        "weights": settings.weights,
        "img_size": settings.img_size,
    }
    return _make(driver, settings.backbone, given)


def rebuild_backbone(name: str, img_size: int) -> Backbone:
    """The bare architecture, to be filled from a checkpoint."""
    driver = plugins.load("backbone", name)
    return _make(driver, name, {"pretrained": False, "weights": None, "img_size": img_size})


def _make(driver: plugins.Driver, name: str, given: dict[str, object]) -> Backbone:
    options: BackboneOptions = driver.options(given, name)
    backbone: Backbone = driver.make("make_backbone", name=name, options=options)
    with blaming(driver.plugin, "on a black photo"), torch.inference_mode():
        size, dim = backbone.preprocess.size, backbone.dim
        cast("nn.Module", backbone).eval()
        found = backbone(torch.zeros(1, 3, size, size))
        if (found.shape, found.dtype) != ((1, dim), torch.float32):
            raise ValueError(f"it answered {found.dtype}{list(found.shape)}, not float32[1, {dim}]")
    return backbone
