"""What ``ai-lens plugins new`` writes works at once: really installed, asked its whole contract."""

import os
import re
import subprocess

import pytest
from wheels import make_environment, pip_install

from lens_core import hookspecs
from lens_core.plugins import FAMILIES


@pytest.fixture(scope="module")
def workshop(usual, tmp_path_factory):
    """A folder with a new package of every family, installed in an environment of its own; its Python."""
    folder = tmp_path_factory.mktemp("workshop")
    command = make_environment(folder / "venv")
    packages = [folder / f"ai-lens-my-{family}" for family in FAMILIES]
    for family, package in zip(FAMILIES, packages, strict=True):
        assert usual("plugins", "new", family, f"my-{family}", "--folder", package).returncode == 0
    pip_install(command, *packages)
    return folder, command.with_name("python")


@pytest.fixture(scope="module")
def tested(workshop):
    """Their own tests, all at once, every hook call traced to stderr."""
    folder, python = workshop
    packages = [folder / f"ai-lens-my-{family}" for family in FAMILIES]
    return subprocess.run(
        [python, "-m", "pytest", "-q", "-s", "--import-mode=importlib", *packages],
        cwd=folder,
        env={**os.environ, "AI_LENS_TRACE": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_the_tests_of_every_new_package_pass(tested):
    assert tested.returncode == 0, tested.stdout[-4000:]
    assert re.search(r"\d{3} passed", tested.stdout)
    assert "skipped" not in tested.stdout.splitlines()[-1]


def test_every_hook_has_a_test(tested):
    """A hook that no contract ever calls is not tested for anybody."""
    hooks = {name for name, hook in vars(hookspecs).items() if hasattr(hook, "ai_lens_spec")}
    called = {name for name in hooks if f"[ai-lens] {name}(" in tested.stderr}
    assert called == hooks


def test_new_packages_are_listed_under_the_name_that_was_typed(workshop):
    _, python = workshop
    listed = subprocess.run(
        [python.with_name("ai-lens"), "plugins"], capture_output=True, text=True, encoding="utf-8", check=True
    ).stdout
    lines = [line.split() for line in listed.splitlines()]
    for family in FAMILIES:
        name, module = f"my-{family}", f"ai_lens_my_{family}"
        assert [family, name, f"ai-lens-{name}", "0.1.0", module, "yes"] in lines
