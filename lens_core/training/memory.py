"""How much memory there is; and memory that one step of learning has freed is there for the next one."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import psutil

# From glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4


_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where Linux says what a container may take: version 2 of control groups, and version 1."""


def total_memory() -> int:
    """Bytes that there are for the processes here: the machine's, or those of the container they run in."""
    found = [int(psutil.virtual_memory().total)]
    for path in map(Path, _LIMITS):
        try:
            found.append(int(path.read_text()))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return min(found)


def keep_freed_memory() -> None:
    """Ask Linux's allocator to hand nothing back while the process lives.

    Tensors of many megabytes otherwise come from the kernel anew at every step, which clears them page by
    page: a third of the time of fine-tuning a MobileNet, and of computing features with it. Elsewhere this
    does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)
