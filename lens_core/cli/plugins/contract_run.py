"""Asks a plugin every test of its family's contract, with pytest but without its looks."""

from __future__ import annotations

import contextlib
import glob
import inspect
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

import attrs
import pytest
from attrs import frozen

from lens_core.artifacts import guide
from lens_core.errors import BadSettingError, LensError
from lens_core.plugins import find, make

ADVICE = "If this fails"


@frozen
class Outcome:
    """What came of one test."""

    test: str
    """In words: ``a new index is empty``."""
    result: str
    """``ok``, ``failed`` or ``skipped``."""
    why: str
    """One line; empty where it is ok."""
    advice: str
    """What to look at where it failed."""


@frozen
class Question:
    """Which plugin is asked, and how."""

    families: list[str]
    name: str
    options: dict[str, Any]
    file: Path | None
    """What a runtime is to open; None: what an installed exporter writes."""

    def test_classes(self) -> str:
        """A test module, as the author of the plugin would write it."""
        lines = ["import json", "from lens_core.testing import CONTRACTS"]
        for family in self.families:
            lines += [f'class Test{family.title()}(CONTRACTS["{family}"]):', f"    name = {self.name!r}"]
            lines += [f"    options = json.loads({json.dumps(self.options, default=str)!r})"]
            lines += [f"    file = {str(self.file)!r}"] if self.file and family == "runtime" else []
        return "\n".join(lines) + "\n"


def needs_a_file(name: str) -> None:
    """Raises BadSettingError (E600) where nothing installed writes what the runtime ``name`` opens."""
    for plugin in find("exporter"):
        with contextlib.suppress(LensError):  # an exporter that cannot be used writes nothing
            if make("exporter", plugin.name, {}).suffix == f".{name}":
                return
    raise BadSettingError(
        f"No installed exporter writes .{name} files, so there is nothing to open with runtime '{name}'.",
        f"Pass one: --file FILE.{name}",
    )


def ask(question: Question, tell: Callable[[Outcome], None], noise: TextIO) -> None:
    """Run the contracts; ``tell`` hears of each test as soon as it is done.

    What pytest prints goes to ``noise``. Raises RuntimeError where pytest itself fails.
    """
    with TemporaryDirectory() as folder, _pytest_of_nobody(folder), contextlib.redirect_stdout(noise):
        file, ini, teller = Path(folder) / "test_contract.py", Path(folder) / "pytest.ini", _Teller(tell)
        ini.write_text("[pytest]\n")
        asked = attrs.evolve(question, file=_alone(question.file, Path(folder)) if question.file else None)
        file.write_text(asked.test_classes(), encoding="utf-8")
        own = ["-c", str(ini), "--rootdir", folder, "-p", "no:cacheprovider", "--import-mode=importlib"]
        status = pytest.main([str(file), *own], plugins=[teller])
    if status == pytest.ExitCode.INTERRUPTED and not teller.trouble:
        raise KeyboardInterrupt
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"pytest ended with {status!r}: {teller.trouble}")


def _alone(model: Path, folder: Path) -> Path:
    """A copy in a folder of its own, with the files of the same stem that are no models themselves."""
    home = folder / "model"
    home.mkdir()
    others = {f".{plugin.name}" for plugin in find("runtime")} | {guide.SUFFIX}
    for part in model.parent.glob(f"{glob.escape(model.stem)}.*"):
        if part == model or part.suffix not in others:
            (shutil.copytree if part.is_dir() else shutil.copy)(part, home / part.name)
    return home / model.name


class _Teller:
    """A pytest plugin that reports to us instead of to the terminal."""

    def __init__(self, tell: Callable[[Outcome], None]) -> None:
        self._tell, self.trouble = tell, ""
        self._advice: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            text = " ".join((inspect.getdoc(getattr(item, "obj", None)) or "").split())
            self._advice[item.nodeid] = text[text.index(ADVICE) :] if ADVICE in text else text

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.trouble = str(report.longrepr)

    def pytest_internalerror(self, excrepr: object) -> None:
        self.trouble = str(excrepr)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        result = "ok" if report.passed else report.outcome
        advice = self._advice[report.nodeid] if report.failed else ""
        self._tell(Outcome(_words(report.nodeid), result, _why(report), advice))


def _words(nodeid: str) -> str:
    """``test_contract.py::TestIndex::test_it_loads[a]`` -> ``it loads [a]``."""
    name, bracket, case = nodeid.rpartition("::")[2].partition("[")
    return name.removeprefix("test_").replace("_", " ") + (f" [{case}" if bracket else "")


def _why(report: pytest.TestReport) -> str:
    if report.passed:
        return ""
    if isinstance(report.longrepr, tuple):  # of a skip: file, line, reason
        return report.longrepr[2].removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longrepr).strip().partition("\n")[0]


@contextlib.contextmanager
def _pytest_of_nobody(folder: str) -> Iterator[None]:
    """No settings, plugins or leftovers of whoever runs the check."""
    own = {
        "PYTEST_ADDOPTS": "",
        "PYTEST_PLUGINS": "",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": folder,
    }
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
