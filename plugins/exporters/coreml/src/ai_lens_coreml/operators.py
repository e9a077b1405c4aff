"""What Core ML's operators mean, said in PyTorch: one function for each, by the names of the MIL reference.

https://apple.github.io/coremltools/source/coremltools.converters.mil.mil.ops.defs.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def _conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    strides: Sequence[int] = (1, 1),
    pad_type: str = "valid",
    pad: Sequence[int] = (0, 0, 0, 0),
    dilations: Sequence[int] = (1, 1),
    groups: int = 1,
) -> Tensor:
    padded = _padded(x, weight.shape[2:], strides, pad_type, pad, dilations)
    return F.conv2d(padded, weight, bias, tuple(strides), 0, tuple(dilations), groups)


def _max_pool(
    x: Tensor,
    kernel_sizes: Sequence[int],
    strides: Sequence[int] = (1, 1),
    pad_type: str = "valid",
    pad: Sequence[int] = (0, 0, 0, 0),
    ceil_mode: bool = False,
) -> Tensor:
    padded = _padded(x, kernel_sizes, strides, pad_type, pad, (1, 1), -torch.inf)
    return F.max_pool2d(padded, tuple(kernel_sizes), tuple(strides), ceil_mode=ceil_mode)


def _avg_pool(
    x: Tensor,
    kernel_sizes: Sequence[int],
    strides: Sequence[int] = (1, 1),
    pad_type: str = "valid",
    pad: Sequence[int] = (0, 0, 0, 0),
    exclude_padding_from_average: bool = False,
    ceil_mode: bool = False,
) -> Tensor:
    def averaged(values: Tensor) -> Tensor:
        padded = _padded(values, kernel_sizes, strides, pad_type, pad, (1, 1))
        return F.avg_pool2d(padded, tuple(kernel_sizes), tuple(strides), ceil_mode=ceil_mode)

    return averaged(x) / averaged(torch.ones_like(x)) if exclude_padding_from_average else averaged(x)


def _padded(
    x: Tensor,
    kernel: Sequence[int],
    strides: Sequence[int],
    pad_type: str,
    pad: Sequence[int],
    dilations: Sequence[int],
    value: float = 0.0,
) -> Tensor:
    """Images with the margin that a window needs; ``pad`` is top, bottom, left, right."""
    if pad_type == "valid":
        return x
    if pad_type == "same":
        pad = []
        for size, width, stride, dilation in zip(x.shape[2:], kernel, strides, dilations, strict=True):
            missing = max(0, (-(-size // stride) - 1) * stride + (width - 1) * dilation + 1 - size)
            pad += [missing // 2, missing - missing // 2]
    elif pad_type != "custom":
        raise NotImplementedError(f"padding '{pad_type}'")
    top, bottom, left, right = pad
    return F.pad(x, (left, right, top, bottom), value=value)


def _layer_norm(
    x: Tensor,
    axes: Sequence[int],
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    epsilon: float = 1e-5,
) -> Tensor:
    variance, mean = torch.var_mean(x, dim=list(axes), correction=0, keepdim=True)
    scaled = (x - mean) * torch.rsqrt(variance + epsilon) * (1 if gamma is None else gamma)
    return scaled if beta is None else scaled + beta


def _batch_norm(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    epsilon: float = 1e-5,
) -> Tensor:
    return F.batch_norm(x, mean, variance, gamma, beta, eps=float(epsilon))


def _matmul(x: Tensor, y: Tensor, *, transpose_x: bool = False, transpose_y: bool = False) -> Tensor:
    return (x.mT if transpose_x else x) @ (y.mT if transpose_y else y)


def _gelu(x: Tensor, mode: str = "EXACT") -> Tensor:
    if mode == "SIGMOID_APPROXIMATION":
        return x * torch.sigmoid(1.702 * x)
    return F.gelu(x, approximate="none" if mode == "EXACT" else "tanh")


def _split(
    x: Tensor, axis: int, num_splits: int | None = None, split_sizes: Sequence[int] | None = None
) -> tuple[Tensor, ...]:
    return torch.split(x, list(split_sizes) if split_sizes else x.shape[axis] // (num_splits or 1), axis)


def _slice_by_index(
    x: Tensor,
    begin: Sequence[int],
    end: Sequence[int],
    stride: Sequence[int] | None = None,
    begin_mask: Sequence[bool] | None = None,
    end_mask: Sequence[bool] | None = None,
    squeeze_mask: Sequence[bool] | None = None,
) -> Tensor:
    none = [False] * len(begin)
    steps, squeezed = stride or [1] * len(begin), squeeze_mask or none
    parts: list[slice | int] = []
    for axis, (first, last, step) in enumerate(zip(begin, end, steps, strict=True)):
        start = None if (begin_mask or none)[axis] else first
        stop = None if (end_mask or none)[axis] else last
        parts.append(first if squeezed[axis] else slice(start, stop, step))
    return x[tuple(parts)]


def _squeeze(x: Tensor, axes: Sequence[int] | None = None) -> Tensor:
    return torch.squeeze(x) if axes is None else torch.squeeze(x, tuple(axes))


def _expand_dims(x: Tensor, axes: Sequence[int]) -> Tensor:
    rank = x.ndim + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x


def _concat(values: Sequence[Tensor], axis: int, interleave: bool = False) -> Tensor:
    if interleave:
        raise NotImplementedError("interleaved concat")
    return torch.cat(list(values), axis)


def _gather(
    x: Tensor, indices: Any, axis: int = 0, batch_dims: int = 0, validate_indices: bool = False
) -> Tensor:
    if batch_dims:
        raise NotImplementedError("gather in batches")
    return x[(slice(None),) * (axis % x.ndim) + (torch.tensor(indices),)]


def _pad(x: Tensor, pad: Sequence[int], mode: str = "constant", constant_val: float = 0.0) -> Tensor:
    """``pad`` is (before, after) of the last axes, the first of them first; PyTorch begins with the last."""
    margins = [number for before in range(len(pad) - 2, -1, -2) for number in pad[before : before + 2]]
    return F.pad(x, margins, mode, float(constant_val) if mode == "constant" else None)


def _reduce(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def reduced(x: Tensor, axes: Sequence[int] | None = None, keep_dims: bool = False) -> Tensor:
        return function(x, dim=list(range(x.ndim) if axes is None else axes), keepdim=keep_dims)

    return reduced


OPERATORS: dict[str, Callable[..., Any]] = {
    "abs": lambda x: torch.abs(x),
    "add": lambda x, y: x + y,
    "avg_pool": _avg_pool,
    "batch_norm": _batch_norm,
    "cast": lambda x, dtype: x,  # numbers are rounded to the type of each result anyway
    "clip": lambda x, alpha, beta: torch.clamp(x, alpha, beta),
    "concat": _concat,
    "conv": _conv,
    "elu": lambda x, alpha: F.elu(x, float(alpha)),
    "erf": lambda x: torch.erf(x),
    "exp": lambda x: torch.exp(x),
    "expand_dims": _expand_dims,
    "gather": _gather,
    "gelu": _gelu,
    "identity": lambda x: x,
    "inverse": lambda x, epsilon: 1 / (x + epsilon),
    "layer_norm": _layer_norm,
    "leaky_relu": lambda x, alpha: F.leaky_relu(x, float(alpha)),
    "linear": lambda x, weight, bias=None: F.linear(x, weight, bias),
    "matmul": _matmul,
    "max_pool": _max_pool,
    "maximum": lambda x, y: torch.maximum(x, y),
    "minimum": lambda x, y: torch.minimum(x, y),
    "mul": lambda x, y: x * y,
    "pad": _pad,
    "pow": lambda x, y: x**y,
    "real_div": lambda x, y: x / y,
    "reduce_l2_norm": _reduce(torch.linalg.vector_norm),
    "reduce_mean": _reduce(torch.mean),
    "reduce_sum": _reduce(torch.sum),
    "reduce_max": _reduce(torch.amax),
    "relu": lambda x: torch.relu(x),
    "relu6": lambda x: F.relu6(x),
    "reshape": lambda x, shape: x.reshape(shape),
    "rsqrt": lambda x, epsilon=0.0: torch.rsqrt(x + epsilon),
    "sigmoid": lambda x: torch.sigmoid(x),
    "sigmoid_hard": lambda x, alpha, beta: torch.clamp(alpha * x + beta, 0, 1),
    "silu": lambda x: F.silu(x),
    "slice_by_index": _slice_by_index,
    "softmax": lambda x, axis=-1: torch.softmax(x, axis),
    "softplus": lambda x: F.softplus(x),
    "split": _split,
    "sqrt": lambda x: torch.sqrt(x),
    "square": lambda x: torch.square(x),
    "squeeze": _squeeze,
    "stack": lambda values, axis: torch.stack(list(values), axis),
    "sub": lambda x, y: x - y,
    "tanh": lambda x: torch.tanh(x),
    "thresholded_relu": lambda x, alpha: torch.where(x >= alpha, x, 0),
    "tile": lambda x, reps: x.tile(tuple(reps)),
    "transpose": lambda x, perm: x.permute(tuple(perm)),
}
