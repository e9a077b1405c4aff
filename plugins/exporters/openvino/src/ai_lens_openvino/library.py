"""OpenVINO and NNCF, as ai-lens uses them: they tell nobody."""

from __future__ import annotations

import functools
import sys
from types import ModuleType
from typing import Any

_TELEMETRY = "openvino_telemetry"


def openvino() -> ModuleType:
    """The library. Everything here gets it, and NNCF after it, by this function.

    Importing openvino sends events to Intel through Google Analytics and leaves an identifier in the user's
    home unless a file there says no. Both libraries do without the package that does so where it is missing;
    to this process it is, unless the program around ai-lens has loaded it before.
    """
    sys.modules.setdefault(_TELEMETRY, None)  # type: ignore[arg-type]
    import openvino  # type: ignore[import-untyped]

    module: ModuleType = openvino
    return module


@functools.cache
def core() -> Any:
    """OpenVINO's Core, one for the whole process: when two are gone, the next signal crashes it (2026.4)."""
    return openvino().Core()
