"""The tests of every plugin: it is found, loads quickly and quietly, and its options are typed."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from pluggy import HookspecMarker

from lens_core import hookspecs, plugins
from lens_core.errors import BadSettingError, LensError
from lens_core.structure import converter
from lens_core.testing.base import Contract

HEAVY = frozenset(
    {
        "annoy", "coremltools", "cv2", "faiss", "fastapi", "hnswlib", "huggingface_hub", "imagehash", "jax",
        "keras", "matplotlib", "mlflow", "nncf", "onnx", "onnxruntime", "openvino", "pandas",
        "pytorch_metric_learning", "pyvips", "requests", "scann", "scipy", "skimage", "sklearn", "sqlalchemy",
        "tensorboard", "tensorflow", "tflite_runtime", "timm", "torch", "torchvision", "transformers",
        "usearch",
    }
)  # fmt: skip
"""Libraries that take long to import; only a hook may import them, when it is called."""

_IMPORT = """
import json, sys
from importlib.metadata import EntryPoint
from pathlib import Path
report, name, module, group = sys.argv[1:]
EntryPoint(name, module, group).load()
Path(report).write_text(json.dumps(sorted({module.partition(".")[0] for module in sys.modules})))
"""


_OF_LOADING = ("test_it_is_found_by_the_name_that_is_typed", "test_it_loads")


class PluginContract(Contract):
    """What is asked of every plugin, whatever its family."""

    def test_it_is_found_by_the_name_that_is_typed(self) -> None:
        """A user types the entry point's name.

        If this fails, check that pyproject.toml has [project.entry-points."ai_lens.<family>s"] with a line
        ``name = "module"``, that the distribution is installed (again, after changing it), and that no other
        distribution offers the same name.
        """
        assert self.name, f"{type(self).__name__} does not say which plugin it is about: add  name = '...'"
        plugin = plugins.choose(self.family, self.name)
        assert plugin.name == self.name.partition(":")[0]

    def test_it_loads(self) -> None:
        """The module imports and its hooks fit the specs.

        If this fails, check that the module imports without errors, that its hook carries @hookimpl from
        lens_core, and that hook and argument names are spelt as in lens_core/hookspecs.py.
        """
        self.driver()

    def test_every_hook_carries_its_mark(self) -> None:
        """A function without the mark is ignored silently.

        If this fails, check that every function named like a hook has @hookimpl right above its def.
        """
        module = sys.modules[self.driver().plugin.module.partition(":")[0]]
        forgotten = [
            name
            for name in _hook_names()
            if inspect.isfunction(function := getattr(module, name, None))
            and function.__module__ == module.__name__
            and not hasattr(function, "ai_lens_impl")
        ]
        assert forgotten == [], f"these functions have no @hookimpl: {', '.join(forgotten)}"

    def test_importing_it_imports_no_heavy_library(self, tmp_path: Path) -> None:
        """A command that only lists or checks plugins must not wait for libraries it does not use.

        If this fails, check the imports at the top of the module that the entry point names, and of the
        modules it imports: move heavy libraries into the hook's function, or into a module imported there.
        """
        heavy = sorted(HEAVY & set(self._imported(tmp_path)["modules"]))
        assert heavy == [], f"importing {self.driver().plugin.module} imports {', '.join(heavy)}"

    def test_importing_it_prints_nothing(self, tmp_path: Path) -> None:
        """stdout carries results and nothing else, and nobody wants to read a greeting.

        If this fails, check the module for print(), logging set-up and warnings at import.
        """
        printed = self._imported(tmp_path)["printed"]
        assert printed == "", f"importing {self.driver().plugin.module} printed {printed!r}"

    def test_its_options_have_types_and_defaults(self) -> None:
        """Options come typed from YAML, flags and JSON, and a user need not give any.

        If this fails, check that options_type returns an attrs class (@attrs.frozen), that every option has
        a default and a type that plain YAML can give (text, numbers, true/false, null, lists), and that the
        defaults pass their own validators.
        """
        driver = self.driver()
        options_type = driver.options_type(self.name)
        assert attrs.has(options_type), f"options_type returned {options_type!r}, which is no attrs class"
        defaults = driver.options({}, self.name)
        given_back = driver.options(_as_yaml(defaults), self.name)
        assert given_back == defaults, "the defaults, written to YAML and read again, are other options"

    def test_the_options_of_this_test_are_understood(self) -> None:
        """The class attribute ``options`` is given as a user would give it.

        If this fails, check the names and types in it against the plugin's options.
        """
        driver = self.driver()
        options = driver.options(dict(self.options), self.name)
        assert isinstance(options, driver.options_type(self.name))

    def test_an_unknown_option_is_refused(self) -> None:
        """A misspelt option is an error, never ignored.

        If this fails, check that options_type returns a plain attrs class that takes only its own
        attributes.
        """
        with pytest.raises(BadSettingError, match="no option 'no_such_option'"):
            self.driver().options({**self.options, "no_such_option": 1}, self.name)

    def test_it_makes_what_its_contract_names(self) -> None:
        """What the hook returns has every attribute and method of the family's contract.

        If this fails, check what the hook returns against the family's class in lens_core/contracts.py.
        """
        self.product()

    @pytest.fixture(autouse=True)
    def _one_cause_one_failure(self, request: pytest.FixtureRequest) -> None:
        """A plugin that cannot be loaded, or makes nothing, fails the test that says so, not all others."""
        test = request.node.originalname
        if not self.name or test in _OF_LOADING:
            return
        try:
            self.driver() if test in vars(PluginContract) else self.product()
        except LensError as error:
            pytest.skip(f"there is nothing to ask: {error.what}")

    @pytest.fixture(autouse=True)
    def _one_thread(self) -> Iterator[None]:
        """Networks this small are fastest on one core, above all beside another busy process."""
        if "torch" not in sys.modules:
            yield
            return
        from lens_core.training.heads import one_thread

        with one_thread():
            yield

    def _imported(self, folder: Path) -> dict[str, Any]:
        """What importing the plugin's module in a fresh process prints, and which modules are there then."""
        imported: dict[str, Any] = self.once("imported", lambda: _import_in_a_process(self.driver(), folder))
        return imported


def _import_in_a_process(driver: plugins.Driver, folder: Path) -> dict[str, Any]:
    plugin, report = driver.plugin, folder / "modules.json"
    arguments = [str(report), plugin.name, plugin.module, plugin.family.group]
    done = run_python(_IMPORT, *arguments)
    assert report.exists(), (
        f"importing {plugin.module} in a fresh process failed: {done.stderr.strip()[-800:]}"
    )
    return {"modules": json.loads(report.read_text()), "printed": done.stdout + done.stderr}


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python code in a process of its own that finds the same modules as this one."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1"},
    )


def _hook_names() -> list[str]:
    marker = HookspecMarker("ai_lens").project_name + "_spec"
    return [name for name, function in vars(hookspecs).items() if hasattr(function, marker)]


def _as_yaml(options: Any) -> dict[str, Any]:
    plain: dict[str, Any] = converter.unstructure(options)
    return plain
