"""``.ckpt``: the trained network, its manifest and its gallery in one sealed file."""

from __future__ import annotations

from pathlib import Path

import safetensors
import safetensors.torch

from lens_core.artifacts import container, integrity, manifest
from lens_core.artifacts import gallery as galleries
from lens_core.artifacts.gallery import Gallery
from lens_core.artifacts.manifest import Manifest
from lens_core.contracts import Documents
from lens_core.errors import ModelLoadError
from lens_core.training.network import LensNet, rebuild_backbone

WEIGHTS = "model.safetensors"


def weights_of(net: LensNet) -> bytes:
    """Every weight of the network, as safetensors."""
    return safetensors.torch.save({name: value.contiguous() for name, value in net.state_dict().items()})


def embedding_id(weights: bytes) -> str:
    """What galleries are matched by: the hash of the network that embedded them."""
    return integrity.sha256(weights)[:16]


def save(path: Path, weights: bytes, about: Manifest, gallery: Gallery, probes: Documents) -> None:
    """Write a checkpoint, whole or not at all; ``probes`` are photos to check its exports on."""
    documents = {manifest.NAME: manifest.to_bytes(about), galleries.NAME: galleries.to_bytes(gallery)}
    container.write(path, {**documents, **probes, WEIGHTS: weights})


def load(path: Path) -> tuple[LensNet, Documents]:
    """The network, ready to answer, and the documents beside it. Raises ModelLoadError (E200)."""
    return opened(container.read(path), path)


def opened(documents: Documents, path: Path) -> tuple[LensNet, Documents]:
    """The same from the documents of a checkpoint; ``path`` is where they were read."""
    about = manifest.from_documents(documents, path)
    if WEIGHTS not in documents:
        raise ModelLoadError(f"{path} holds no network; is it a gallery? Pass that with --index-file.")
    net = LensNet(
        rebuild_backbone(about.backbone.name, about.preprocess.size), about.embedding_dim, len(about.classes)
    )
    net.full_name, net.licence = about.backbone.full_name, about.backbone.licence
    try:
        net.load_state_dict(safetensors.torch.load(documents[WEIGHTS]))
    except (RuntimeError, safetensors.SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise ModelLoadError(f"{path} does not fit {about.backbone.full_name}: {reason:.200}") from error
    kept = {name: content for name, content in documents.items() if name != WEIGHTS}
    return net.eval(), kept
