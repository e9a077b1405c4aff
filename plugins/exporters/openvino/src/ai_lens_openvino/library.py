"""OpenVINO and NNCF, as ai-lens uses them: they tell nobody and print nothing."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import warnings
from collections.abc import Iterator
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


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """What tracing, NNCF's log and its progress bars say is not for our users."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
