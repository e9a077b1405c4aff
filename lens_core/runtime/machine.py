"""What this machine computes with: measurements are kept, and shown, together with it."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from lens_core.parallel import cores

_NAMES = ("model name", "Model", "Hardware")
"""Fields of ``/proc/cpuinfo``: of a PC's processor, of a Raspberry Pi, of other ARM boards."""


def processor() -> str:
    """Its name, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # no Linux
        lines = []
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return next(filter(None, map(told.get, _NAMES)), None) or platform.processor() or platform.machine()


def busy() -> bool:
    """Whether others compute here so much that speed cannot be measured: more than half of the cores."""
    if sys.platform == "win32":  # it does not tell
        return False
    return os.getloadavg()[0] > cores() / 2


def peak_memory() -> int | None:
    """Bytes of memory this process has had at most since it began; None on Windows, which tells otherwise."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the parent had, too
        lines = status.read_text(encoding="utf-8").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
