"""Whatever a plugin does wrong becomes one line that names it."""

from __future__ import annotations

import errno
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import TYPE_CHECKING, Any, TextIO, cast

from lens_core.errors import BrokenPluginError, CannotWriteError, LensError, NotInstalledError

if TYPE_CHECKING:
    from lens_core.plugins import Plugin


_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})
"""What the disk says when it cannot take more; no plugin is to blame for it."""


class _PrintToStderr:
    """What a plugin prints while it is at work goes to stderr: stdout carries results and nothing else.

    Meanwhile this stands in for ``sys.stdout`` and tells by its thread who prints: who takes the answers may
    print them while others are still being worked on.
    """

    def __init__(self) -> None:
        self._lock, self._at_work, self._stdout = threading.Lock(), 0, sys.stdout
        self._here = threading.local()

    def __enter__(self) -> None:
        with self._lock:
            self._at_work += 1
            if self._at_work == 1:
                self._stdout, sys.stdout = sys.stdout, cast("TextIO", self)
        self._here.depth = self._depth() + 1

    def __exit__(self, *_: object) -> None:
        self._here.depth -= 1
        with self._lock:
            self._at_work -= 1
            if self._at_work == 0:
                sys.stdout = self._stdout

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr if self._depth() else self._stdout, name)

    def _depth(self) -> int:
        """How many plugins are at work in this thread, each called by the one before."""
        return getattr(self._here, "depth", 0)


_print_to_stderr = _PrintToStderr()


@contextmanager
def blaming(plugin: Plugin, when: str) -> Iterator[None]:
    """Turn whatever a plugin does wrong into an error that names it. Some call sys.exit when imported."""
    try:
        with _print_to_stderr:
            yield
    except (LensError, KeyboardInterrupt):
        raise
    except ModuleNotFoundError as error:
        raise NotInstalledError(
            f"{plugin.title} needs '{error.name}'.",
            f"Try: pip install {_requirement(plugin, error.name or '')}",
        ) from error
    except BaseException as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            raise CannotWriteError(f"The output cannot be written: {error.strerror}.") from error
        raise BrokenPluginError(f"{plugin.title} failed {when}: {one_line(error)}.") from error


_MISSING = object()


class Guarded:
    """What a plugin made, to be used as if it were bare; whatever fails in its methods names the plugin."""

    def __init__(self, product: Any, plugin: Plugin) -> None:
        self._product, self._plugin = product, plugin

    def __getattr__(self, name: str) -> Any:
        with blaming(self._plugin, f"in {name}"):
            value = getattr(self._product, name, _MISSING)
        if value is _MISSING:  # hasattr() asks this way
            raise AttributeError(name)
        return self._guard(name, value) if callable(value) else value

    def __bool__(self) -> bool:
        return True  # also an empty index, and a product without a length

    def __len__(self) -> int:
        with blaming(self._plugin, "in len"):
            return len(self._product)

    def _guard(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any, **more: Any) -> Any:
            with blaming(self._plugin, f"in {name}"):
                return method(*arguments, **more)

        return guarded


def _requirement(plugin: Plugin, module: str) -> str:
    """The requirement of the plugin's distribution that most likely provides ``module``."""
    wanted = re.sub(r"[^a-z0-9]", "", module.partition(".")[0].lower())
    try:
        required = metadata.requires(plugin.distribution) or []
    except metadata.PackageNotFoundError:
        required = []
    names = [match.group() for line in required if (match := re.match(r"[A-Za-z0-9._-]+", line))]
    bare = {name: re.sub(r"[^a-z0-9]", "", name.lower()) for name in names}
    for fits in (str.__eq__, str.startswith):
        for name in names:
            if fits(bare[name], wanted):
                return name
    return f"--force-reinstall {plugin.distribution}"


def one_line(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 # a foreign error may fail even to say what it is
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
