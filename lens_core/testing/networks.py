"""Tiny networks of the kind that ai-lens exports, with everything in them that exporters got wrong."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from lens_core.contracts import Preprocess
from lens_core.training.network import LensNet

SIZE = 32
DIM = 8
CLASSES = 5
# Far from 0 and 1, and another for each channel: to leave it out changes every answer.
_PREPROCESS = Preprocess(SIZE, mean=(0.7, 0.2, 0.4), std=(0.15, 0.5, 0.25))


class Convolutions(nn.Sequential):
    """Convolutions with BatchNorm, whose statistics are those of no new layer."""

    dim, preprocess, full_name, licence = 16, _PREPROCESS, "tiny convolutions", "MIT"

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        for before, after in ((3, 8), (8, self.dim)):
            layers += [
                nn.Conv2d(before, after, 3, stride=2, padding=1),
                nn.BatchNorm2d(after),
                nn.Hardswish(),
            ]
        super().__init__(*layers, nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        for layer in self:
            if isinstance(layer, nn.BatchNorm2d):
                nn.init.uniform_(layer.running_mean, -0.5, 0.5)  # type: ignore[arg-type]
                nn.init.uniform_(layer.running_var, 0.5, 2)  # type: ignore[arg-type]
                nn.init.uniform_(layer.weight, 0.5, 1.5)
                nn.init.uniform_(layer.bias, -0.5, 0.5)


class Transformer(nn.Module):
    """Patches, a class token, positions, and one block of attention."""

    dim, preprocess, full_name, licence = 16, _PREPROCESS, "tiny transformer", "MIT"

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, self.dim, 8, stride=8)
        self.token = nn.Parameter(torch.randn(1, 1, self.dim))
        self.positions = nn.Parameter(torch.randn(1, (SIZE // 8) ** 2 + 1, self.dim))
        self.norm, self.after = nn.LayerNorm(self.dim), nn.LayerNorm(self.dim)
        self.qkv, self.mix = nn.Linear(self.dim, 3 * self.dim), nn.Linear(self.dim, self.dim)
        self.think = nn.Sequential(
            nn.Linear(self.dim, 4 * self.dim), nn.GELU(), nn.Linear(4 * self.dim, self.dim)
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        patches = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(patches.shape[0], -1, -1), patches], dim=1) + self.positions
        tokens = tokens + self._attention(self.norm(tokens))
        thought: torch.Tensor = tokens + self.think(self.after(tokens))
        return thought[:, 0]

    def _attention(self, tokens: torch.Tensor) -> torch.Tensor:
        batch, count, dim = tokens.shape
        query, key, value = self.qkv(tokens).reshape(batch, count, 3, 2, dim // 2).permute(2, 0, 3, 1, 4)
        seen = nn.functional.scaled_dot_product_attention(query, key, value)
        mixed: torch.Tensor = self.mix(seen.transpose(1, 2).reshape(batch, count, dim))
        return mixed


KINDS: dict[str, type[Any]] = {"convolutions": Convolutions, "transformer": Transformer}


def tiny(kind: str) -> LensNet:
    """A network as ``ai-lens export`` hands it over, in evaluation mode; the same weights every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(8)
        net = LensNet(KINDS[kind](), DIM, CLASSES)
        net.directions.copy_(nn.functional.normalize(torch.randn(CLASSES, DIM)))
    return net.eval()


def changed(net: LensNet) -> dict[str, LensNet]:
    """The same network with one fault each: what an exporter's own check must notice."""
    weights, normalisation, directions = (copy.deepcopy(net) for _ in range(3))
    with torch.no_grad():
        weights.embed.weight[0, 0] += 0.5
        normalisation.mean.zero_()
        directions.directions.copy_(directions.directions.flip(0))
    return {"other weights": weights, "no normalisation": normalisation, "other classes": directions}


def example(count: int = 1) -> torch.Tensor:
    """uint8[count, SIZE, SIZE, 3]: black photos, as ``ai-lens export`` passes them."""
    return torch.zeros(count, SIZE, SIZE, 3, dtype=torch.uint8)
