"""Ctrl-C and a polite ``kill`` end training after the step under way, so that nothing is half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import attrs

from lens_core.progress import Tell

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@attrs.define
class Wish:
    """Whether somebody has asked to stop, and by which signal."""

    signal: int | None = None

    def obey(self) -> None:
        """Stop now, if it was asked, as if the signal had come this moment."""
        if self.signal is not None:
            signal.raise_signal(self.signal)
            raise KeyboardInterrupt  # whoever has embedded this process may have made the signal harmless


@contextmanager
def after_this_step(tell: Tell) -> Iterator[Wish]:
    """Whoever steps looks at the wish after each step. Who asks twice is obeyed at once."""
    wish = Wish()
    if threading.current_thread() is not threading.main_thread():
        yield wish  # only the main thread hears signals
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        wish.signal = number
        restore()
        tell("Stopping after this step; once more stops at once.")

    for number in SIGNALS:
        signal.signal(number, note)
    try:
        yield wish
    finally:
        restore()
