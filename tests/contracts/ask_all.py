"""Asks every plugin of a folder its contract, in one run of pytest: ``python ask_all.py FOLDER``.

FOLDER holds ``asked.json``: [kind, family, name, options, tests to leave out] for each plugin. What came of
every test is written to ``outcomes.json``, in the same order.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from lens_core.artifacts import container

FILE = """
import json
from pathlib import Path
from ask_all import DOCUMENTS, make_file
from lens_core.testing import CONTRACTS

for number, (kind, family, name, options, _) in enumerate(json.loads(Path("asked.json").read_text())):
    own_file = family == "runtime" and name != "onnx"
    more = {"make_file": make_file, "documents": DOCUMENTS} if own_file else {}
    title = f"Test{number}"
    globals()[title] = type(CONTRACTS[family])(
        title, (CONTRACTS[family],), {"__module__": __name__, "name": name, "options": options, **more}
    )
"""
DOCUMENTS = {"manifest.json": b"{}", "gallery.safetensors": bytes(range(256))}


def make_file(self, folder):
    """A file for the runtimes that answer from two matrices."""
    random = np.random.default_rng(0)
    embed = random.standard_normal((8, 32 * 32 * 3)).astype(np.float32)
    matrices = safetensors.numpy.save({"embed": embed, "directions": np.eye(8, dtype=np.float32)[:5]})
    path = folder / f"best.{self.name}"
    container.write(path, {**DOCUMENTS, "matrices.safetensors": matrices})
    return path


class Recorder:
    """Leaves out what need not be asked, and keeps what came of the rest."""

    def __init__(self, asked):
        self.needless = {f"Test{number}": plugin[4] for number, plugin in enumerate(asked)}
        self.outcomes = {title: {} for title in self.needless}

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if item.originalname not in self.needless[item.cls.__name__]]

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            text = "" if report.outcome == "passed" else str(report.longrepr)[-1500:]
            title, test = report.nodeid.split("::")[-2:]
            self.outcomes[title][test] = (report.outcome, text)


def main(folder):
    recorder = Recorder(json.loads((folder / "asked.json").read_text()))
    (folder / "test_all.py").write_text(FILE)
    quiet = ("-q", "--tb=short", "-p", "no:cacheprovider", "-p", "no:warnings")
    status = pytest.main([str(folder / "test_all.py"), *quiet], plugins=[recorder])
    (folder / "outcomes.json").write_text(json.dumps(list(recorder.outcomes.values())), encoding="utf-8")
    return status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
