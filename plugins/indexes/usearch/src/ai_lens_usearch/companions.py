"""Lets USearch live beside other libraries in one process."""

from __future__ import annotations

import ctypes
import sys


def make_room() -> None:
    """To be called before USearch is imported.

    USearch's wheels for Linux carry a C++ library of their own, parts of which (the numbers of locale facets,
    unique in a process) other libraries then use as if they were the system's. When USearch comes first,
    importing FAISS or ONNX Runtime or loading a ScaNN index ends the process (2.26.6). Once the system's
    library has numbered its facets, which ``std::locale::classic()`` makes it do, all get along.
    """
    if sys.platform != "linux":
        return
    try:
        system = ctypes.CDLL("libstdc++.so.6")
    except OSError:  # then no other library can need it
        return
    system._ZNSt6locale7classicEv()
