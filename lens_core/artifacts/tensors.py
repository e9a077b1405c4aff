"""safetensors, written from arrays and read as arrays without a copy of either.

The library's own functions copy every array, twice in writing; a large gallery is as large as the memory.
The format (https://huggingface.co/docs/safetensors): eight bytes that say how long the header is, the header
as JSON (by name a dtype, a shape and where its bytes lie behind the header; text under ``__metadata__``),
and the bytes. Any reader of safetensors opens what is written here.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lens_core.contracts import Pixels

Arrays = dict[str, NDArray[Any]]

_DTYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "U8": np.dtype("u1")}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_ALIGNMENT = 64


def parts(arrays: Arrays, about: dict[str, str]) -> list[bytes | memoryview]:
    """The file's bytes in pieces: the header, then each array as it lies in memory (float32 or uint8)."""
    laid = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header: dict[str, Any] = {"__metadata__": about}
    end = 0
    for name, array in laid.items():
        start, end = end, end + array.nbytes
        header[name] = {"dtype": _NAMES[array.dtype], "shape": array.shape, "data_offsets": [start, end]}
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-(8 + len(text)) % _ALIGNMENT)  # so that the first array begins where one may
    return [len(text).to_bytes(8, "little") + text, *(_flat(array).data for array in laid.values())]


def views(content: bytes | Pixels) -> tuple[Arrays, dict[str, str]]:
    """(the arrays, which look at ``content`` and are not to be written to; the text beside them).

    Raises KeyError, TypeError or ValueError where the bytes are no such file. ``content`` is checked against
    its seal before.
    """
    flat = np.frombuffer(content, np.uint8)
    length = int.from_bytes(flat[:8].tobytes(), "little")
    header = json.loads(flat[8 : 8 + length].tobytes())
    about = header.pop("__metadata__")
    return {name: _view(flat[8 + length :], told) for name, told in header.items()}, about


def _view(data: Pixels, told: dict[str, Any]) -> NDArray[Any]:
    start, end = told["data_offsets"]
    numbers: NDArray[Any] = data[start:end].view(_DTYPES[told["dtype"]])
    return numbers.reshape(told["shape"])


def _flat(array: NDArray[Any]) -> Pixels:
    return array.reshape(-1).view(np.uint8)
