"""Many things of a kind, worked on by all cores, in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")

_AHEAD = 4
"""Results per worker that may wait for their turn: enough to keep all busy, little to hold."""


def cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(
    work: Callable[[Given], Made],
    items: Iterable[Given],
    workers: int | None = None,
    ahead: int | None = None,
) -> Iterator[Made]:
    """``work`` done to each item, in the items' order, by ``workers`` threads, or one per core.

    No more than ``ahead`` items are worked on before somebody takes their results, so there may be millions.
    For work that frees Python's lock, as decoding and networks do.
    """
    workers = workers or cores()
    ahead = ahead or _AHEAD * workers
    pool = ThreadPoolExecutor(workers)
    waiting: deque[Future[Made]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
