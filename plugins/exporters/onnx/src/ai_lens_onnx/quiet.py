"""Libraries that talk: their remarks are not for our users."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Nothing printed, warned or logged inside reaches anybody; errors are raised as ever."""
    handlers, disabled = logging.root.handlers[:], logging.root.manager.disable
    logging.disable(logging.WARNING)
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
