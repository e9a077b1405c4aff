"""OpenVINO and NNCF, as ai-lens uses them: they tell nobody."""

from __future__ import annotations

import sys
from types import ModuleType

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
