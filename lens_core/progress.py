"""How long work tells whoever waits what it is doing."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with (done, total) as work goes on."""

Stage = Callable[[str], Progress]
"""Called once with the title of a piece of work; returns its :data:`Progress`."""


def silent(title: str) -> Progress:
    """A stage that shows nothing."""
    return no_progress


def no_progress(done: int, total: int) -> None:
    """Progress that shows nothing."""


Tell = Callable[[str], None]
"""Called with a line for whoever waits."""


def tell_nobody(line: str) -> None:
    """For callers that want to hear nothing."""
