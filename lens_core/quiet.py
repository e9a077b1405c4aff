"""Libraries that talk while they work: their remarks are not for our users."""

from __future__ import annotations

import contextlib
import io
import logging
import threading
import warnings
from collections.abc import Iterator

_one_at_a_time = threading.RLock()
"""The streams and the loggers belong to the whole process."""


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Nothing printed, warned or logged inside reaches anybody; errors are raised as ever."""
    with _one_at_a_time:
        handlers, disabled = logging.root.handlers[:], logging.root.manager.disable
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
            # A library's first logging.warning() installs a handler, here on the stream that nobody reads.
            logging.root.handlers[:] = handlers
