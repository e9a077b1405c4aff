"""``ai-lens export``: write a checkpoint in another format, and only if it still answers the same."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs
import numpy as np
import torch
from attrs import frozen

from lens_core import plugins
from lens_core.artifacts import guide, probes
from lens_core.artifacts import manifest as manifests
from lens_core.artifacts.atomic import check_writable, move_into_place
from lens_core.artifacts.manifest import Certificate
from lens_core.contracts import Documents, Exporter
from lens_core.errors import (
    BadSettingError,
    BrokenPluginError,
    CannotDoError,
    CannotRunHereError,
    CannotWriteError,
    ExportMismatchError,
)
from lens_core.runtime.folders import refuse_missing, suffix_of
from lens_core.runtime.lens import Lens, open_runtime
from lens_core.training import checkpoint, int8, parity
from lens_core.training.network import LensNet

INT8 = "int8"
_NO_ROOM = 4 * 1024 * 1024
"""Bytes; with fewer left, no model can be written."""


@frozen
class Exported:
    """A file (or folder) that answers, and how it was checked."""

    path: Path
    certificate: Certificate


def export(
    ckpt: Path,
    name: str,
    path: Path | None = None,
    options: dict[str, Any] | None = None,
    *,
    data_root: Path | None = None,
    ood: Path | None = None,
    quantize: str | None = None,
    allowed_loss: float = int8.ALLOWED_LOSS,
) -> Exported:
    """Export with the exporter ``name``, check the result on real photos, and put it in place.

    The photos are those of ``data_root``; without it, the few that the checkpoint carries.
    ``quantize="int8"`` needs ``data_root``: it is calibrated and judged on the museum's photos.

    Raises ExportMismatchError (E230), and writes nothing, when the export does not answer as the checkpoint
    does; its ``table`` says on which photos.
    """
    exporter: Exporter = plugins.make("exporter", name, options or {})
    precision: Any = getattr(exporter, "precision", "fp32")
    if precision not in parity.TOLERANCE:
        raise BrokenPluginError(
            f"exporter '{name}' writes a precision that ai-lens does not know: {precision!r}."
        )
    refuse_missing(ckpt)
    target = _target(ckpt, exporter, path, quantize)
    if quantize:
        _check_can_quantize(name, exporter, quantize, data_root)
    net, carried = checkpoint.load(ckpt)
    documents = probes.without(carried)
    before = Lens(ckpt)
    gate = (
        int8.Gate.of(before, data_root, ood, allowed_loss)
        if quantize and data_root
        else parity.Gate.of(before, data_root, ood, carried, precision)
    )
    network = exporter.convert(net, _example(net))
    if isinstance(gate, int8.Gate):
        network = exporter.quantize(network, gate.calibration_images())  # type: ignore[attr-defined]
    with TemporaryDirectory(dir=target.parent, prefix=".ai-lens-") as folder:
        draft = _write(exporter, network, documents, Path(folder) / "draft" / target.name)
        checked = _check(gate, exporter, net, documents, draft)
        certificate = attrs.evolve(checked, exporter=plugins.choose("exporter", name).title)
        certified = _with_certificate(documents, certificate)
        final = _write(exporter, network, certified, Path(folder) / "final" / target.name)
        _check_final(exporter, net, certified, draft, final)
        names = [path.name for path in final.parent.iterdir()]
        move_into_place(final, target)
    runtime = plugins.choose("runtime", suffix_of(target)).distribution
    guide.write(target, names, manifests.from_documents(certified, target), runtime)
    return Exported(target, certificate)


def _target(ckpt: Path, exporter: Exporter, path: Path | None, quantize: str | None) -> Path:
    """Where the export goes: beside the checkpoint unless told otherwise."""
    if not (path or ckpt).name:  # a dot, or nothing at all
        raise BadSettingError("The file to export has no name.", "Name a file, for example best.onnx.")
    precision = f".{quantize}" if quantize else ""
    target = path or ckpt.with_suffix(precision + exporter.suffix)
    if target.suffix != exporter.suffix:
        raise BadSettingError(
            f"{target} must end in {exporter.suffix}: the suffix chooses the runtime that opens it.",
            f"Write to {target.with_suffix(exporter.suffix)}.",
        )
    check_writable(target.parent / f"{target.name}.part")  # the target itself may be a folder
    return target


def _check_can_quantize(name: str, exporter: Exporter, quantize: str, data_root: Path | None) -> None:
    if quantize != INT8:
        raise BadSettingError(f"There is no precision '{quantize}'.", "Use --quantize int8, or leave it out.")
    if not hasattr(exporter, "quantize"):
        raise CannotDoError(
            f"exporter '{name}' cannot make int8 files.", "Use --to onnx or --to openvino for int8."
        )
    if data_root is None:
        raise BadSettingError(
            "An int8 export is calibrated and judged on photos, and none were given.",
            "Pass --data-root with the photos the model was trained on.",
        )


def _example(net: LensNet) -> torch.Tensor:
    size = net.preprocess.size
    return torch.zeros(1, size, size, 3, dtype=torch.uint8)


def _write(exporter: Exporter, network: Any, documents: Documents, path: Path) -> Path:
    path.parent.mkdir()
    try:
        exporter.write(network, documents, path)
    except BrokenPluginError as error:
        if shutil.disk_usage(path.parent).free < _NO_ROOM:  # libraries say so in words of their own
            raise CannotWriteError(f"The disk of {path.parent.parent.parent} is full.") from error
        raise
    return path


def _check(
    gate: parity.Gate | int8.Gate, exporter: Exporter, net: LensNet, documents: Documents, draft: Path
) -> Certificate:
    try:
        after = Lens(draft)
    except CannotRunHereError as error:
        if isinstance(gate, int8.Gate):
            raise CannotRunHereError(
                f"Nobody can say here what int8 costs: {exporter.suffix} files do not run on this machine.",
                "Export it where they run, or without --quantize.",
            ) from error
        if not hasattr(exporter, "check_spec"):
            raise
        exporter.check_spec(net, documents, draft)
        return Certificate(precision=gate.precision, checked="spec")
    return gate.check(after)


def _with_certificate(documents: Documents, certificate: Certificate) -> Documents:
    about = manifests.from_documents(documents, "the checkpoint")
    certified = attrs.evolve(about, certificate=certificate)
    return {**documents, manifests.NAME: manifests.to_bytes(certified)}


def _check_final(exporter: Exporter, net: LensNet, documents: Documents, draft: Path, final: Path) -> None:
    """The second file differs from the first only in its certificate: it answers the very same numbers."""
    try:
        before, after = open_runtime(draft, {}), open_runtime(final, {})
    except CannotRunHereError:
        exporter.check_spec(net, documents, final)  # type: ignore[attr-defined]
        return
    if dict(after.documents) != dict(documents):
        raise ExportMismatchError("The export did not keep its documents (labels, thresholds, gallery).")
    size = net.preprocess.size
    images = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), dtype=np.uint8)
    for old, new in zip(before.run(images), after.run(images), strict=True):
        if not np.allclose(old, new, atol=1e-5):
            raise ExportMismatchError("The exporter wrote another network when it was asked to write again.")
