"""A timm network as an ai-lens backbone: pooled features, and how its photos are to be prepared."""

from __future__ import annotations

from typing import Any

import timm
import torch
from timm.data.config import resolve_model_data_config
from timm.models import group_parameters
from torch import nn

from ai_lens_timm import names, weights
from lens_core.contracts import BackboneOptions, Preprocess
from lens_core.errors import BadSettingError


class TimmBackbone(nn.Module):
    """Normalised ``float32[N, 3, S, S]`` -> pooled features ``float32[N, dim]``."""

    def __init__(
        self, net: nn.Module, dim: int, preprocess: Preprocess, full_name: str, licence: str
    ) -> None:
        super().__init__()
        self.net = net
        self.dim = dim
        self.preprocess = preprocess
        self.full_name = full_name
        self.licence = licence

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.net(images)
        return features

    def layers(self) -> list[list[str]]:
        """As timm groups its parameters for layer-wise learning rates."""
        net: Any = self.net
        groups = group_parameters(net, net.group_matcher(coarse=False))
        return [[f"net.{name}" for name in groups[number]] for number in sorted(groups)]


def build(name: str, options: BackboneOptions) -> TimmBackbone:
    """The backbone a user named, filled as the options say, in evaluation mode."""
    choice = names.resolve(name)
    net: Any = timm.create_model(choice.timm_name, pretrained=False, num_classes=0).eval()
    full_name, licence = _fill(net, choice.timm_name, options)
    config: dict[str, Any] = resolve_model_data_config(net, use_test_size=True)  # type: ignore[no-untyped-call]
    sizes = (options.img_size, choice.img_size, config["input_size"][-1])
    size = next(size for size in sizes if size is not None)
    dim = _prove(net, name, size)
    return TimmBackbone(net, dim, _preprocess(config, size), full_name, licence)


def _fill(net: Any, timm_name: str, options: BackboneOptions) -> tuple[str, str]:
    """Load the weights the options ask for; returns the full name to record and the weights' licence."""
    architecture = timm_name.partition(".")[0]
    if options.weights:
        digest = weights.load(net, options.weights)
        return f"{architecture} (weights: {options.weights.name}, sha256 {digest[:12]})", "unknown"
    if options.pretrained:
        published = weights.fetch(timm_name, net.pretrained_cfg.get("hf_hub_id"))
        weights.load(net, published, extra_is_fine=True)
        return timm_name, net.pretrained_cfg.get("license") or "unknown"
    return f"{architecture} (no weights)", "unknown"


def _preprocess(config: dict[str, Any], size: int) -> Preprocess:
    """How timm prepared photos for these weights, at this size."""
    return Preprocess(
        size=size,
        mean=config["mean"],
        std=config["std"],
        interpolation="bilinear" if config["interpolation"] == "bilinear" else "bicubic",
    )


def _prove(net: Any, name: str, size: int) -> int:
    """Show the network one black photo of ``size`` x ``size`` pixels; returns how many features it makes.

    A size that does not fit is found now rather than after the photos were read. Raises BadSettingError
    (E600).
    """
    try:
        if size != net.pretrained_cfg["input_size"][-1] and hasattr(net, "set_input_size"):
            net.set_input_size((size, size))  # transformers keep one position per patch
        with torch.inference_mode():
            features: torch.Tensor = net(torch.zeros(1, 3, size, size))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise BadSettingError(
            f"backbone '{name}' cannot take photos of {size} x {size} pixels.",
            "Leave --img-size out, or try a multiple of 32.",
        ) from error
    return features.shape[-1]
