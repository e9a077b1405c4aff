"""Models to measure: MobileNetV2 with real weights, the others with random ones.

Random weights show how fast a network is, and whether a format keeps it the same network; not how well it
recognises.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from shared import MUSEUMS, WEIGHTS

REAL = "mobilenetv2"
PHOTOS_PER_ITEM, ITEMS_PER_PLACE = 5, 4


def trained(backbone: str, folder: Path, **settings: Any) -> tuple[Path, Path]:
    """(a checkpoint with this backbone, the photos it was trained on).

    The real one has learned from all museum photos, the others from a few.
    """
    from lens_core.photos.layout import scan
    from lens_core.settings import resolve
    from lens_core.training.train import train

    real = backbone == REAL
    data = MUSEUMS / "data" if real else _few_photos(folder / "data")
    weights = WEIGHTS if real else _random_weights(backbone, folder)
    flags = {"backbone": backbone, "weights": str(weights), "min_images": PHOTOS_PER_ITEM, **settings}
    run = train(resolve(flags=flags, environ={}).settings, scan(data), folder / "run")
    return run.checkpoint, data


def _few_photos(folder: Path) -> Path:
    for place in sorted((MUSEUMS / "data").iterdir()):
        for item in sorted(place.iterdir())[:ITEMS_PER_PLACE]:
            (folder / place.name / item.name).mkdir(parents=True)
            for photo in sorted(item.iterdir())[:PHOTOS_PER_ITEM]:
                shutil.copyfile(photo, folder / place.name / item.name / photo.name)
    return folder


def _random_weights(backbone: str, folder: Path) -> Path:
    import safetensors.torch
    import timm
    import torch
    from ai_lens_timm.names import resolve

    torch.manual_seed(0)
    net = timm.create_model(resolve(backbone).timm_name, pretrained=False, num_classes=0)
    path = folder / "random.safetensors"
    safetensors.torch.save_file(net.state_dict(), path)
    return path
