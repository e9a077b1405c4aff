"""Pretrained weights: from the Hugging Face hub or a local file, always safetensors and never a pickle."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import huggingface_hub
import safetensors.torch

from lens_core.artifacts import integrity
from lens_core.errors import ModelLoadError, WeightsUnavailableError

FILE = "model.safetensors"
HUB_TIMEOUT = 5.0
"""Seconds to wait for the hub to say what it has."""


def fetch(timm_name: str, hub_id: str | None) -> Path:
    """The published weights of a timm model, from the hub's cache or else from the hub.

    ``HF_HOME``, ``HF_HUB_OFFLINE`` and ``HF_ENDPOINT`` are honoured by huggingface_hub. Raises
    WeightsUnavailableError (E450).
    """
    if not hub_id:
        raise WeightsUnavailableError(
            f"timm publishes no safetensors weights of {timm_name}.",
            "Choose another backbone, or pass a local file: --weights FILE.safetensors.",
        )
    cached = huggingface_hub.try_to_load_from_cache(hub_id, FILE)
    return Path(cached) if isinstance(cached, str) else _download(timm_name, hub_id)


def _download(timm_name: str, hub_id: str) -> Path:
    try:
        # hf_hub_download alone would retry for half a minute without a network; this asks once.
        published = huggingface_hub.HfApi().model_info(hub_id, timeout=HUB_TIMEOUT).siblings or []
        if any(file.rfilename == FILE for file in published):
            return Path(huggingface_hub.hf_hub_download(hub_id, FILE))
    except Exception as error:
        what = f"The weights of {timm_name} could not be downloaded from huggingface.co/{hub_id}"
        raise WeightsUnavailableError(f"{what} ({_reason(error)}).") from error
    raise WeightsUnavailableError(
        f"huggingface.co/{hub_id} offers the weights of {timm_name} only as a pickle, which could run code.",
        "Choose another backbone, or pass a local file: --weights FILE.safetensors.",
    )


def load(net: Any, path: Path, *, extra_is_fine: bool = False) -> str:
    """Fill ``net``, a timm network built without a classifier, from a safetensors file with or without one.

    Returns the SHA-256 of the file, in hexadecimal. Raises ModelLoadError (E200) when the file cannot be
    read, is not safetensors, or its tensors are not those of ``net``. ``extra_is_fine`` is for published
    files: timm itself ignores what some of them hold besides, such as the text half of CLIP.
    """
    content = _read(path)
    try:
        tensors = safetensors.torch.load(content)
    except safetensors.SafetensorError as error:
        raise ModelLoadError(f"{path} is not a safetensors file ({error}).", _REMEDY) from error
    try:
        result = net.load_state_dict(_as_timm_names(net, tensors), strict=False)
    except (RuntimeError, KeyError) as error:
        last = str(error).strip().rpartition("\n")[2].strip()  # torch puts a headline above the tensors
        raise ModelLoadError(f"{path} does not fit this backbone: {last.rstrip('.')}.", _REMEDY) from error
    unexpected = () if extra_is_fine else result.unexpected_keys
    extra = [key for key in unexpected if not key.startswith(_heads(net))]
    if result.missing_keys or extra:
        differences = [_list("missing", result.missing_keys), _list("unexpected", extra)]
        raise ModelLoadError(
            f"{path} does not fit this backbone: {'; '.join(filter(None, differences))}.", _REMEDY
        )
    return integrity.sha256(content)


_REMEDY = (
    "Pass the model.safetensors that was made for exactly this model, or choose the backbone it was made for."
)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelLoadError(
            f"{path} cannot be read: {error.strerror or error}.", "Check --weights."
        ) from error


def _as_timm_names(net: Any, tensors: dict[str, Any]) -> dict[str, Any]:
    """Each timm architecture may bring a function that renames the tensors of its published files."""
    rename = getattr(sys.modules[type(net).__module__], "checkpoint_filter_fn", None)
    return rename(tensors, net) if rename else tensors


def _heads(net: Any) -> tuple[str, ...]:
    """Prefixes of the tensors a network without classifier has no place for: ``head.fc`` -> ``head.``."""
    names = net.pretrained_cfg.get("classifier") or ()
    names = (names,) if isinstance(names, str) else names
    return tuple(f"{name.rpartition('.')[0] or name}." for name in names)


def _list(kind: str, keys: list[str]) -> str:
    shown = ", ".join(keys[:3])
    return f"{len(keys)} {kind} tensors ({shown}{', …' if len(keys) > 3 else ''})" if keys else ""


def _reason(error: BaseException) -> str:
    first = str(error).strip().partition("\n")[0].rstrip(".")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
