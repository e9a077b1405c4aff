"""The kit itself: no test can be left out without saying so, and every failure comes with advice."""

import inspect
import re
import subprocess
import sys

import pytest

from lens_core.plugins import FAMILIES
from lens_core.testing import CONTRACTS, IndexContract

CONTRACT_TESTS = [
    pytest.param(test, id=f"{family}-{name}")
    for family, contract in CONTRACTS.items()
    for name, test in inspect.getmembers(contract, inspect.isfunction)
    if name.startswith("test_")
]


def test_there_is_a_contract_for_every_family():
    assert set(CONTRACTS) == set(FAMILIES)
    assert all(contract.family == family for family, contract in CONTRACTS.items())


@pytest.mark.parametrize("test", CONTRACT_TESTS)
def test_every_docstring_says_what_to_check(test):
    assert "If this fails, check " in " ".join(inspect.getdoc(test).split())


# --- leaving tests out


def override(value):
    return type(IndexContract)("TestMine", (IndexContract,), {"name": "exact", "test_it_loads": value})


def with_mark(*marks):
    def test(self):
        raise RuntimeError("the body of a marked test never runs")

    for mark in marks:
        mark(test)
    return test


@pytest.mark.parametrize(
    "value",
    [
        None,
        lambda self: None,
        with_mark(pytest.mark.xfail),
        with_mark(pytest.mark.xfail(reason=" ")),
        with_mark(pytest.mark.skip(reason="no time")),
        with_mark(pytest.mark.skipif(True, reason="no time")),
        with_mark(pytest.mark.skip(reason="no time"), pytest.mark.xfail(reason="a real reason")),
    ],
    ids=["none", "override", "xfail", "xfail without reason", "skip", "skipif", "xfail and skip"],
)
def test_a_test_cannot_be_replaced_skipped_or_removed(value):
    with pytest.raises(TypeError, match=r"TestMine\.test_it_loads is a test of the contract.*xfail\(reason="):
        override(value)


@pytest.mark.parametrize("mark", [pytest.mark.skip, pytest.mark.xfail(reason="all of it")])
def test_the_whole_contract_cannot_be_left_out(mark):
    with pytest.raises(TypeError, match="TestMine cannot leave out the whole contract"):

        @mark
        class TestMine(IndexContract):
            name = "exact"

    with pytest.raises(TypeError, match="TestMine cannot leave out the whole contract"):
        type(IndexContract)("TestMine", (IndexContract,), {"pytestmark": [mark]})


def test_a_subclass_of_a_subclass_cannot_either():
    class Mine(IndexContract):
        name = "exact"

    with pytest.raises(TypeError, match="is a test of the contract"):
        type(Mine)("TestMore", (Mine,), {"test_it_loads": None})


def test_tests_of_ones_own_may_be_added_and_skipped():
    class TestMine(IndexContract):
        name = "exact"

        @pytest.mark.skip(reason="later")
        def test_something_else(self):
            pass

    assert TestMine.test_something_else.pytestmark[0].name == "skip"


def test_a_mark_with_a_reason_marks_the_contracts_own_test():
    marked = override(with_mark(pytest.mark.xfail(reason="the library rounds")))
    assert [mark.kwargs["reason"] for mark in marked.test_it_loads.pytestmark] == ["the library rounds"]
    assert inspect.getdoc(marked.test_it_loads) == inspect.getdoc(IndexContract.test_it_loads)
    with pytest.raises(AssertionError, match="does not say which plugin"):
        type(marked)("TestNobody", (marked,), {"name": ""})().test_it_loads()


# --- what an author sees

AUTHORS_FILE = """
import pytest
from lens_core.testing import IndexContract, LossContract


class TestMine(IndexContract):
    name = "exact"
    least_recall = 1.1

    @pytest.mark.xfail(reason="nothing finds more than all")
    def test_it_finds_the_nearest(self): ...


class TestForgotten(LossContract):
    pass


class TestUnknown(LossContract):
    name = "cee"
"""


@pytest.fixture(scope="module")
def authors_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("author")
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_contract.py").write_text(AUTHORS_FILE)
    asked = "nearest or typed or loads or unknown_option"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rxs", "-k", asked, "-p", "no:cacheprovider"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_a_marked_test_is_run_and_its_reason_shown(authors_run):
    assert authors_run.count("XFAIL test_contract.py::TestMine::test_it_finds_the_nearest") == 4
    assert "nothing finds more than all" in authors_run


def test_a_forgotten_name_is_said(authors_run):
    assert "TestForgotten does not say which plugin it is about: add  name = '...'" in authors_run


def test_a_plugin_that_is_not_there_fails_two_tests_and_skips_the_others(authors_run):
    assert "loss 'cee' is unknown" in authors_run
    assert re.search(r"^E +If this fails, check that pyproject\.toml has", authors_run, re.MULTILINE)
    assert "there is nothing to ask: loss 'cee' is unknown" in authors_run
    assert "TestUnknown.test_an_unknown_option_is_refused" not in authors_run


def test_what_differs_is_shown(tmp_path):
    (tmp_path / "test_contract.py").write_text(
        "from lens_core.testing import IndexContract\n"
        "class TestMine(IndexContract):\n    name = 'exact'\n    family = 'index'\n    dim = 8\n"
        "    def _built(self, vectors):\n        return super()._built(vectors[1:])\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", "/dev/null", "-k", "as_many_rows", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "assert 0 == 1" in done.stdout
