"""``ai-lens export``: write a checkpoint in another format, and make sure it still answers the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from lens_core import plugins
from lens_core.artifacts.atomic import atomic_path, check_writable
from lens_core.contracts import Exporter, Pixels
from lens_core.errors import BadSettingError, ExportMismatchError
from lens_core.runtime.lens import open_runtime
from lens_core.training import checkpoint
from lens_core.training.network import LensNet

TOLERANCE = 1e-4
"""Largest difference of any embedding entry or cosine, on any probe."""
_PROBES = 4


def export(ckpt: Path, name: str, path: Path | None = None, options: dict[str, Any] | None = None) -> Path:
    """Export with the exporter ``name``; returns the path written.

    Raises ExportMismatchError (E230), and writes nothing, when the export does not answer as the checkpoint.
    """
    exporter: Exporter = plugins.make("exporter", name, options or {})
    target = path or ckpt.with_suffix(exporter.suffix)
    if target.suffix != exporter.suffix:
        raise BadSettingError(
            f"{target} must end in {exporter.suffix}: the suffix chooses the runtime that opens it.",
            f"Write to {target.with_suffix(exporter.suffix)}.",
        )
    check_writable(target)
    net, documents = checkpoint.load(ckpt)
    probes = _probes(net.preprocess.size)
    with atomic_path(target) as temporary:
        exporter.export(net, torch.from_numpy(probes[:1]), documents, temporary)
        # A runtime is chosen by suffix, which the temporary file has not.
        with_suffix = temporary.with_suffix(exporter.suffix)
        temporary.rename(with_suffix)
        try:
            _compare(net, with_suffix, probes, name)
        finally:
            with_suffix.rename(temporary)
    return target


def _probes(size: int) -> Pixels:
    """uint8[4, S, S, 3]: flat, noisy and smooth pictures that reach every part of the number range."""
    random = np.random.default_rng(0)
    flat = np.full((size, size, 3), 255)
    noise = random.integers(0, 256, (size, size, 3))
    ramp = np.linspace(0, 255, size)
    smooth = np.stack(
        [np.add.outer(ramp, ramp) / 2, np.add.outer(ramp, -ramp) / 2 + 127, np.outer(ramp, ramp) / 255], -1
    )
    return np.stack([flat, noise, smooth, smooth[::-1]]).clip(0, 255).astype(np.uint8)


def _compare(net: LensNet, exported: Path, probes: Pixels, name: str) -> None:
    runtime = open_runtime(exported, {})
    with torch.inference_mode():
        wanted = net(torch.from_numpy(probes))
    for what, expected, found in zip(("embeddings", "scores"), wanted, runtime.run(probes), strict=True):
        difference = float(np.abs(expected.numpy() - found).max())
        if not difference <= TOLERANCE:
            raise ExportMismatchError(
                f"The {name} export's {what} differ from the checkpoint's "
                f"by {difference:.2g} (at most {TOLERANCE:g})."
            )
