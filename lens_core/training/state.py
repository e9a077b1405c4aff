"""An interrupted fine-tuning, kept so that it goes on as if nothing had happened."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import attrs
import safetensors.torch
import torch

from lens_core.artifacts import container
from lens_core.errors import ArtifactError
from lens_core.settings import Settings
from lens_core.training import devices
from lens_core.training.engine import Engine

About = dict[str, Any]
"""How far it is: numbers and names, as JSON keeps them."""


def save(path: Path, engine: Engine, about: About) -> None:
    """Write everything needed to go on, whole or not at all."""
    tensors = {
        f"{part}.{name}": value.detach().cpu().contiguous().clone()
        for part, module in engine.modules().items()
        for name, value in module.state_dict().items()
    }
    for number, moments in engine.optimizer.state_dict()["state"].items():
        for name, value in moments.items():
            tensors[f"optimizer.{number}.{name}"] = value.cpu().contiguous()
    documents = {
        "state.json": json.dumps(about).encode(),
        "state.safetensors": safetensors.torch.save(tensors),
    }
    container.write(path, documents)


def load(path: Path, engine: Engine, identity: str) -> About | None:
    """Go on where :func:`save` left off, if it was this very training and all it left is whole; else None."""
    documents = devices.from_main(_read(path, identity) if devices.is_main() else None)
    if documents is None:
        return None
    about: About = json.loads(documents["state.json"])
    tensors = safetensors.torch.load(documents["state.safetensors"])
    for part, module in engine.modules().items():
        module.load_state_dict(_under(tensors, part))
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in _under(tensors, "optimizer").items():
        number, _, moment = name.partition(".")
        moments.setdefault(int(number), {})[moment] = value
    engine.optimizer.load_state_dict({**engine.optimizer.state_dict(), "state": moments})
    engine.rewind(about["steps"])
    return about


_OF_NO_CONCERN = (
    "curation", "min_images", "trackers", "tracker_options", "reject", "index", "index_options", "quality",
    "quality_options", "runtime_options", "export", "gallery_views", "lang", "strip_pii",
)  # fmt: skip
"""Settings that fine-tuning learns the same under, from the photos that are here."""


def identity_of(settings: Settings, *told: Any) -> str:
    """What makes two trainings the same: settings, and whatever is told of photos and network."""
    usual = Settings()
    anywhere = attrs.evolve(settings.hardware, micro_batch=None, workers=None)  # no more than rounding
    settings = attrs.evolve(
        settings,
        hardware=anywhere,
        weights=None,  # the network's name tells which, wherever they lie
        **{name: getattr(usual, name) for name in _OF_NO_CONCERN},
    )
    return hashlib.sha256(repr((settings, told)).encode()).hexdigest()


def weights_file(folder: Path, name: str) -> Path:
    """Where the network of the best pass by some figure is kept."""
    return folder / f"{name}.weights"


def _read(path: Path, identity: str) -> dict[str, bytes] | None:
    """The state, if it is of that training, and the networks of the best passes can be read, too."""
    try:
        if not path.exists():
            return None
        documents = dict(container.read(path))
        about: About = json.loads(documents["state.json"])
        if about["identity"] != identity:
            return None
        for name in about["best"]:
            container.read(weights_file(path.parent, name))
    except ArtifactError:
        return None
    return documents


def _under(tensors: dict[str, torch.Tensor], part: str) -> dict[str, torch.Tensor]:
    prefix = f"{part}."
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
