"""Answers from a Core ML program without Core ML: every operator in turn, in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from coremltools.converters.mil.frontend.milproto import load as milproto  # type: ignore[import-untyped]
from coremltools.converters.mil.mil import Function, Var, types  # type: ignore[import-untyped]
from torch import Tensor

from ai_lens_coreml import layout
from ai_lens_coreml.operators import OPERATORS
from lens_core.errors import CannotDoError


def program(specification: Any, weights: str) -> Function:
    """The program in a model's specification, with its weights from their folder."""
    loaded = milproto.load(specification, specification.specificationVersion, weights)
    return loaded.functions["main"]


def constants(main: Function) -> list[Tensor]:
    """Every array of numbers in the program, as float32."""
    found = [operator.outputs[0].val for operator in main.operations if operator.op_type == "const"]
    return [_tensor(value) for value in found if isinstance(value, np.ndarray) and value.dtype.kind == "f"]


def precision(main: Function) -> torch.dtype:
    """float16 where any operator of the program computes in it."""
    halves = any(var.dtype == types.fp16 for operator in main.operations for var in operator.outputs)
    return torch.float16 if halves else torch.float32


@torch.inference_mode()
def answer(main: Function, image: Tensor) -> tuple[Tensor, Tensor]:
    """What the program makes of one image float32[1, 3, S, S], 0..255: (embeddings, logits).

    Computes in float32 and rounds to float16 where the program does. Raises CannotDoError (E460) for an
    operator that is not among ours.
    """
    known: dict[Var, Any] = {main.inputs[layout.INPUT]: image}
    for operator in main.operations:
        if operator.op_type == "const":
            continue
        arguments = {name: _argument(var, known) for name, var in operator.inputs.items()}
        made = _applied(operator.op_type, arguments)
        results = made if isinstance(made, tuple) else (made,)
        known.update(
            (var, _rounded(value, var)) for var, value in zip(operator.outputs, results, strict=True)
        )
    outputs = {var.name: known[var] for var in main.outputs}
    embeddings, logits = (outputs[name] for name in layout.OUTPUTS)
    return embeddings, logits


def _applied(name: str, arguments: dict[str, Any]) -> Any:
    try:
        return OPERATORS[name](**arguments)
    except (KeyError, NotImplementedError, TypeError) as error:
        raise CannotDoError(
            f"This network uses Core ML's operator '{name}' in a way that can only be checked on a Mac.",
            "Export it on a Mac, where Core ML itself is asked, or use another backbone.",
        ) from error


def _argument(var: Any, known: dict[Var, Any]) -> Any:
    """What an operator gets: tensors of numbers, and plain Python for shapes, axes and words."""
    if isinstance(var, list | tuple):
        return [_argument(one, known) for one in var]
    if var in known:
        return known[var]
    value = np.asarray(var.val)
    return _tensor(value) if value.dtype.kind == "f" else value.tolist()


def _tensor(value: Any) -> Tensor:
    return torch.from_numpy(np.array(value, np.float32))


def _rounded(value: Tensor, var: Var) -> Tensor:
    return value.half().float() if var.dtype == types.fp16 else value
