"""MixUp and CutMix: two photos in one, the loss shared between them."""

from __future__ import annotations

import torch
from torchvision.transforms import v2

from lens_core.settings import Settings

STEP_SHARE = 0.5
"""Of the steps, how many mix: the model must know whole photos too."""


def mix(images: torch.Tensor, settings: Settings, fewest: int) -> tuple[torch.Tensor, float]:
    """(float32[N, S, S, 3], share): each photo with the one before it, of which 1 - share is seen.

    Now and then only, and by MixUp or CutMix as the settings allow; else the photos as they are, and 1.
    ``fewest``: photos that a process has of this batch, at least; all processes decide alike.
    """
    makers = [maker for maker, alpha in ((v2.MixUp, settings.mixup), (v2.CutMix, settings.cutmix)) if alpha]
    if not makers or torch.rand(()) >= STEP_SHARE:
        return images, 1.0
    maker = makers[int(torch.randint(len(makers), ()))]
    alpha = settings.mixup if maker is v2.MixUp else settings.cutmix
    count = len(images)
    if fewest < 2:
        return images, 1.0
    blended, shares = maker(alpha=alpha, num_classes=count)(
        images.permute(0, 3, 1, 2).float(), torch.arange(count)
    )
    return blended.permute(0, 2, 3, 1), float(shares[0, 0])
