"""What a competent user would do today without ai-lens, on the same photos, split and weights."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import timm
import torch
from heads import Seen, nearest
from PIL import Image
from protocol import Museums, Outcome, split_per_item
from pytorch_metric_learning.losses import ArcFaceLoss
from pytorch_metric_learning.trainers import MetricLossOnly
from safetensors.torch import load_file
from shared import WEIGHTS
from timm.data import create_transform, resolve_model_data_config
from torch import nn
from torch.utils.data import Dataset

from lens_core.contracts import Floats
from lens_core.photos.decode import decode
from lens_core.settings import Settings
from lens_core.training.features import Features

EPOCHS, BATCH, LR, DIM = 10, 32, 1e-4, 512


class TimmUser:
    """timm's network and its own transforms, at the size it was trained for."""

    def __init__(self) -> None:
        self.net = timm.create_model("mobilenetv2_100", num_classes=0)
        self.net.load_state_dict(load_file(WEIGHTS))
        config = resolve_model_data_config(self.net)
        self.to_ask = create_transform(**config, is_training=False)
        self.to_learn = create_transform(**config, is_training=True)


def images_of(paths: Sequence[Path]) -> list[Image.Image]:
    """Decoded as ai-lens decodes them: upright, long side at most 1024."""
    return [Image.fromarray(decode(path).pixels) for path in paths]


def features_of(net: nn.Module, user: TimmUser, images: Sequence[Image.Image]) -> Floats:
    """float32[N, F], from timm's own crop of each photo."""
    net.eval()
    with torch.inference_mode():
        parts = [
            net(torch.stack([user.to_ask(image) for image in images[first : first + BATCH]]))
            for first in range(0, len(images), BATCH)
        ]
    return torch.cat(parts).numpy()


def seen_by(
    net: nn.Module, user: TimmUser, photos: Sequence[Image.Image], ood: Sequence[Image.Image]
) -> Seen:
    values = features_of(net, user, photos)[:, None]
    return Seen(Features(values, (), ()), features_of(net, user, ood))


def metric_learning_loop(
    museums: Museums, photos: Sequence[Image.Image], ood: Sequence[Image.Image], seed: int
) -> Outcome:
    """pytorch-metric-learning's own trainer with ArcFace, then the nearest training photo."""
    torch.manual_seed(seed)
    user = TimmUser()
    train, _ = split_per_item(museums.labels, seed)
    trunk, embedder = user.net, nn.Linear(1280, DIM)
    loss = ArcFaceLoss(len(museums.place_of), DIM)
    logging.getLogger("PML").setLevel(logging.WARNING)
    trainer = MetricLossOnly(
        models={"trunk": trunk, "embedder": embedder},
        optimizers={
            "trunk_optimizer": torch.optim.AdamW(trunk.parameters(), lr=LR),
            "embedder_optimizer": torch.optim.AdamW(embedder.parameters(), lr=10 * LR),
            "metric_loss_optimizer": torch.optim.AdamW(loss.parameters(), lr=10 * LR),
        },
        batch_size=BATCH,
        loss_funcs={"metric_loss": loss},
        dataset=_Learned([photos[row] for row in train], museums.labels[train], user),
        loss_weights={"metric_loss": 1},
        dataloader_num_workers=0,  # others would share its memory, and so make it slow
        data_device=torch.device("cpu"),
    )
    trainer.train(num_epochs=EPOCHS)
    return nearest(museums, seen_by(nn.Sequential(trunk, embedder), user, photos, ood), seed, Settings())


class _Learned(Dataset[tuple[torch.Tensor, int]]):
    def __init__(self, images: Sequence[Image.Image], labels: np.ndarray, user: TimmUser) -> None:
        self.images, self.labels, self.change = images, labels, user.to_learn

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        return self.change(self.images[row]), int(self.labels[row])
