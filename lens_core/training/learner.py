"""The network together with the losses it learns from: trained, averaged, saved and gone on with as one."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from lens_core.contracts import Layered
from lens_core.errors import BadSettingError
from lens_core.settings import Settings
from lens_core.training.cost import LAST_SHARE
from lens_core.training.heads import Objective, head_lr
from lens_core.training.network import LensNet


class Learner(nn.Module):
    """``settings`` say how much of the backbone learns, and how fast."""

    def __init__(self, net: LensNet, class_count: int, settings: Settings) -> None:
        super().__init__()
        self.net, self.settings = net, settings
        self.objective = Objective(settings, class_count)
        if settings.finetune == "last":
            layers = self._layers("finetune: last")
            for layer in layers[: -max(1, round(LAST_SHARE * len(layers)))]:
                for parameter in layer:
                    parameter.requires_grad_(False)

    def train(self, mode: bool = True) -> Learner:
        super().train(mode)
        if mode and self.settings.published:  # their statistics are better than those of a few hundred photos
            for module in self.net.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()
        return self

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 or float32[N, S, S, 3], values 0 to 255 -> the backbone's features float32[N, F]."""
        low = self.settings.hardware.precision == "bfloat16"
        with torch.autocast(images.device.type, torch.bfloat16, enabled=low):
            return self.net.features(images).float()

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 or float32[N, S, S, 3], values 0 to 255 -> embeddings float32[N, D], not normalised."""
        embeddings: torch.Tensor = self.net.embed(self.features(images))
        return embeddings

    def parameter_groups(self) -> list[dict[str, Any]]:
        """As optimizers take them: parameters, each with its learning rate."""
        settings = self.settings
        heads = [*self.net.embed.parameters(), *self.objective.parameters()]
        groups: list[dict[str, Any]] = [{"params": heads, "lr": head_lr(settings)}]
        if settings.layer_decay == 1:
            layers = [list(self.net.backbone.parameters())]
        else:
            layers = self._layers("layer_decay")
        for depth, layer in enumerate(reversed(layers)):
            learning = [parameter for parameter in layer if parameter.requires_grad]
            if learning:
                groups.append({"params": learning, "lr": settings.lr * settings.layer_decay**depth})
        return groups

    def _layers(self, wanted_by: str) -> list[list[nn.Parameter]]:
        """The backbone's parameters, layer by layer. Raises BadSettingError (E600) where it does not tell."""
        if not isinstance(self.net.backbone, Layered):
            raise BadSettingError(
                f"{wanted_by} needs to know the layers of the backbone '{self.settings.backbone}', "
                "and its plugin does not tell them.",
                "Choose another backbone, or leave that setting out.",
            )
        parameters = dict(self.net.backbone.named_parameters())
        return [[parameters[name] for name in layer] for layer in self.net.backbone.layers()]
