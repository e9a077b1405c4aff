"""Importing ScaNN, where there is one, without TensorFlow."""

from __future__ import annotations

import sys
from typing import Any

from lens_core.errors import NotInstalledError


def scann_library() -> Any:
    """The module ``scann_ops_pybind``. Raises NotInstalledError (E410).

    ``import scann`` also imports TensorFlow where that is installed, which takes seconds and is not used
    here; what is None in ``sys.modules`` is not found.
    """
    hide = "tensorflow" not in sys.modules
    if hide:
        sys.modules["tensorflow"] = None  # type: ignore[assignment]
    try:
        from scann.scann_ops.py import scann_ops_pybind  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise NotInstalledError(
            f"index 'scann' needs '{error.name}', which is published for Linux (x86-64, ARM64) and Python "
            "up to 3.13.",
            "Try: pip install scann; elsewhere use --index usearch.",
        ) from error
    finally:
        if hide:
            del sys.modules["tensorflow"]
    return scann_ops_pybind
