"""What this machine computes with, in words: measurements are kept, and shown, together with it."""

from __future__ import annotations

import os
import platform
from pathlib import Path

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


def cores() -> int:
    """How many this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # Linux; a container may be given fewer than there are
    return len(allowed(0)) if allowed else os.cpu_count() or 1
