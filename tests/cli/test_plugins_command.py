"""``ai-lens plugins``: list, info, check and new."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from lens_core import plugins

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "plugins"

# The example of each family's page in docs/plugins.
EXAMPLES = {
    "backbone": "colours",
    "loss": "huddle",
    "index": "half",
    "exporter": "boxed",
    "runtime": "linear",
    "quality": "shape",
    "tracker": "diary",
}
SHELF = '''
import attrs
from lens_core import hookimpl

@attrs.frozen
class Options:
    nprobe: int = 4
    """How many shelves are searched;
    more is slower."""
    kind: str | None = None

@hookimpl
def options_type():
    return Options

@hookimpl
def make_index(dim):
    return None
'''


@pytest.fixture
def nearby(tmp_path, monkeypatch):
    """An empty folder to work in."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


# --- list


def test_the_list_says_from_where_each_plugin_is_and_whether_it_may_load(ai_lens, install, monkeypatch):
    install("ai-lens-one", SHELF, "ai_lens.indexes", "twin", "single")
    install("ai-lens-two", SHELF, "ai_lens.indexes", "twin")
    monkeypatch.setenv("AI_LENS_PLUGINS", "ai-lens-one,ai-lens-two")
    lines = {tuple(line.split()[:3]): line.split(None, 5)[4:] for line in ai_lens("plugins").out.splitlines()}
    assert lines["index", "single", "ai-lens-one"] == ["ai_lens_one", "yes"]
    assert lines["index", "twin", "ai-lens-two"] == ["ai_lens_two", "no: offered twice"]
    assert lines["index", "exact", "ai-lens-helper"] == ["lens_core.runtime.exact_index", "yes"]
    assert lines["quality", "photo", "ai-lens-photo"] == ["ai_lens_photo", "no: AI_LENS_PLUGINS"]


def test_the_list_for_programs_has_these_keys(ai_lens, install):
    install("ai-lens-shelf", SHELF, "ai_lens.indexes", "shelf", version="2.1")
    rows = json.loads(ai_lens("plugins", "list", "--json").out)
    (shelf,) = [row for row in rows if row["name"] == "shelf"]
    assert shelf == {
        "family": "index",
        "name": "shelf",
        "distribution": "ai-lens-shelf",
        "version": "2.1",
        "module": "ai_lens_shelf",
        "allowed": True,
        "ambiguous": False,
    }
    page = (DOCS / "README.md").read_text(encoding="utf-8")
    assert [key for key in shelf if f"`{key}`" not in page] == []


# --- info


def test_info_shows_metadata_hooks_and_options_with_their_defaults_and_meaning(ai_lens, install):
    site = install(
        "ai-lens-shelf", SHELF, "ai_lens.indexes", "shelf", requires=["numpy>=2", "mypy; extra == 'dev'"]
    )
    about = site / "ai_lens_shelf-1.0.dist-info" / "METADATA"
    more = ["Summary: Vectors on shelves", "Project-URL: Homepage, https://example.org/shelf"]
    about.write_text(about.read_text() + "\n".join([*more, "License-Expression: MIT", ""]))
    done = ai_lens("plugins", "info", "shelf")
    assert (done.status, done.err) == (0, "")
    assert done.out == (
        "index 'shelf'\n"
        "  from        ai-lens-shelf 1.0\n"
        "  summary     Vectors on shelves\n"
        "  home page   https://example.org/shelf\n"
        "  licence     MIT\n"
        "  requires    numpy>=2\n"
        "  module      ai_lens_shelf\n"
        "  may load    yes\n"
        "  implements  make_index, options_type\n"
        "  options\n"
        "    nprobe: int = 4\n"
        "        How many shelves are searched; more is slower.\n"
        "    kind: str | None = None\n"
    )
    (row,) = json.loads(ai_lens("plugins", "info", "shelf", "--json").out)
    assert row["options"][0] == {
        "name": "nprobe",
        "type": "int",
        "required": False,
        "default": 4,
        "help": "How many shelves are searched; more is slower.",
    }
    page = (DOCS / "README.md").read_text(encoding="utf-8")
    assert [key for key in [*row, *row["options"][0]] if f"`{key}`" not in page] == []


def test_info_knows_what_options_inherit(ai_lens):
    (timm,) = json.loads(ai_lens("plugins", "info", "timm:resnet18", "--json").out)
    helps = {option["name"]: option["help"] for option in timm["options"]}
    assert "Fetch the published weights." in helps["pretrained"]


def test_a_name_in_several_families_shows_each_unless_told(ai_lens):
    both = json.loads(ai_lens("plugins", "info", "onnx", "--json").out)
    assert [row["family"] for row in both] == ["exporter", "runtime"]
    (one,) = json.loads(ai_lens("plugins", "info", "onnx", "--family", "runtime", "--json").out)
    assert one["family"] == "runtime"
    assert "make_runtime" in one["hooks"]


def test_info_on_what_cannot_be_loaded_shows_its_metadata_and_one_line(ai_lens, install):
    install("ai-lens-bad", "import a_library_nobody_has\n", "ai_lens.indexes", "bad")
    done = ai_lens("plugins", "info", "bad")
    assert done.status == 0
    assert "  from        ai-lens-bad 1.0\n" in done.out
    assert "  error       E410: index 'bad' (ai-lens-bad 1.0) needs 'a_library_nobody_has'." in done.out
    assert "options" not in done.out


def test_info_on_a_name_that_two_offer_shows_both(ai_lens, install):
    install("ai-lens-one", SHELF, "ai_lens.indexes", "twin")
    install("ai-lens-two", SHELF, "ai_lens.indexes", "twin")
    rows = json.loads(ai_lens("plugins", "info", "twin", "--json").out)
    assert [row["distribution"] for row in rows] == ["ai-lens-one", "ai-lens-two"]
    assert all(row["ambiguous"] and row["error"].startswith("E430: ") for row in rows)


def test_a_name_that_nobody_offers_is_answered_with_the_nearest_or_how_to_get_it(ai_lens, monkeypatch):
    done = ai_lens("plugins", "info", "exakt")
    assert (done.status, done.out) == (5, "")
    assert done.err == "ai-lens: E400: No plugin is called 'exakt'. Did you mean 'exact'?\n"
    assert "Installed: " in ai_lens("plugins", "info", "exakt", "--family", "index").err
    monkeypatch.setitem(plugins.PUBLISHED["index"], "absent", "ai-lens-absent")
    assert ai_lens("plugins", "info", "absent").err == (
        "ai-lens: E410: index 'absent' is not installed. Try: pip install ai-lens-absent\n"
    )


def test_an_unknown_family_is_wrong_usage_and_the_nearest_is_named(ai_lens):
    done = ai_lens("plugins", "info", "exact", "--family", "indx")
    assert (done.status, done.out) == (2, "")
    assert "there is no family 'indx'." in done.err
    assert "Did you mean 'index'?" in done.err


# --- check


def check(*arguments, **environment):
    """In a process of its own: it runs pytest, and so does this test."""
    code = "import sys; from lens_core.cli import main; sys.argv[0] = 'ai-lens'; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "plugins", "check", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, **environment},
        check=False,
    )


def test_check_prints_a_line_for_every_check_and_nothing_of_pytest(nearby):
    done = check("photo")
    title = f"quality 'photo' ({plugins.choose('quality', 'photo').distribution} "
    *lines, last = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout
    assert "ok       it loads" in lines
    assert "ok       any photo is answered [black-1x1]" in lines
    assert all(line.startswith(("ok  ", "skipped  ")) for line in lines)
    assert re.fullmatch(rf"{re.escape(title)}\S+\): keeps its contract, \d+ checks", last)
    assert done.stderr.startswith(f"Checking {title}")
    assert list(nearby.iterdir()) == [], "nothing is left behind"


def test_check_says_what_failed_and_what_to_look_at(install):
    code = SHELF.replace("return None", "return Forgetful(dim)").replace(
        "from lens_core import hookimpl",
        "from lens_core import hookimpl\nfrom lens_core.runtime.exact_index import ExactIndex\n"
        "class Forgetful(ExactIndex):\n    def __len__(self): return 0\n",
    )
    site = install("ai-lens-shelf", code, "ai_lens.indexes", "shelf")
    done = check("shelf", "--option", "nprobe=8", PYTHONPATH=str(site))
    lines = done.stdout.splitlines()
    failed = lines.index("failed   it has as many rows as vectors")
    assert done.returncode == 5
    assert "assert 0 == 1" in lines[failed + 1]
    assert lines[failed + 2].strip().startswith("If this fails, check __len__")
    assert "ok       a new index is empty" in lines
    assert re.search(
        r"^ai-lens: E420: index 'shelf' \(ai-lens-shelf 1\.0\) failed \d+ of \d+ checks\.", done.stderr, re.M
    )


def test_check_ignores_the_pytest_settings_of_whoever_runs_it(nearby):
    (nearby / "pytest.ini").write_text("[pytest]\naddopts = --no-such-flag\n")
    (nearby / "conftest.py").write_text("raise SystemExit('not mine')\n")
    done = check("photo", PYTEST_ADDOPTS="--another-flag", PYTEST_PLUGINS="no_such_plugin")
    assert done.returncode == 0, done.stderr


def test_check_shows_what_pytest_prints_when_debugging():
    done = check("photo", "--debug")
    assert "test session starts" in done.stderr
    assert "test session starts" not in done.stdout


def test_check_of_a_plugin_that_cannot_be_loaded_is_the_error_of_loading(install):
    site = install("ai-lens-bad", "1 / 0\n", "ai_lens.indexes", "bad")
    done = check("bad", PYTHONPATH=str(site))
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith("ai-lens: E420: index 'bad' (ai-lens-bad 1.0) failed while it was imported")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["exact", "--option", "nprobe=8"], "E600: index 'exact' "),
        (["exact", "--file", __file__], "only a runtime opens files"),
        (["ckpt"], "No installed exporter writes .ckpt files"),
    ],
    ids=["unknown option", "a file for an index", "a runtime without a file"],
)
def test_check_refuses_what_makes_no_sense(arguments, said):
    done = check(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_check_asks_a_runtime_about_the_file_that_is_given(onnx_model):
    done = check("onnx", "--family", "runtime", "--file", onnx_model)
    assert done.returncode == 0, done.stdout
    assert "ok       damage is noticed" in done.stdout.splitlines()


@pytest.mark.parametrize("library", ["pytest", "hypothesis"])
def test_check_without_its_libraries_says_what_to_install(nearby, library):
    (nearby / f"{library}.py").write_text(f"raise ModuleNotFoundError('gone', name='{library}')\n")
    done = check("exact", PYTHONPATH=str(nearby))
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == (
        f"ai-lens: E410: Checking a plugin needs '{library}'. Try: pip install \"ai-lens-helper[testing]\"\n"
    )


# --- new


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_new_writes_a_package_and_says_what_comes_next(ai_lens, nearby):
    done = ai_lens("plugins", "new", "index", "my-index")
    assert (done.status, done.out) == (0, "ai-lens-my-index\n")
    assert done.err == (
        "Next:\n"
        '  pip install -e "./ai-lens-my-index[test]"\n'
        "  pytest ai-lens-my-index\n"
        "  ai-lens plugins check my-index\n"
    )
    assert files(nearby / "ai-lens-my-index") == {
        "README.md",
        "pyproject.toml",
        "src/ai_lens_my_index/__init__.py",
        "src/ai_lens_my_index/py.typed",
        "tests/test_contract.py",
    }
    project = tomllib.loads((nearby / "ai-lens-my-index" / "pyproject.toml").read_text())["project"]
    assert project["name"] == "ai-lens-my-index"
    assert project["entry-points"] == {"ai_lens.indexes": {"my-index": "ai_lens_my_index"}}
    assert project["optional-dependencies"]["test"] == ["ai-lens-helper[testing]"]
    assert [path.name for path in nearby.iterdir()] == ["ai-lens-my-index"], "nothing half-written is left"


@pytest.mark.parametrize("typed", ["ai-lens-my-index", "my-index"])
def test_the_distribution_begins_with_ai_lens_once(ai_lens, nearby, typed):
    assert ai_lens("plugins", "new", "index", typed).out == "ai-lens-my-index\n"


def test_an_underscore_stays_in_the_name_and_is_a_hyphen_in_the_distribution(ai_lens, nearby):
    assert ai_lens("plugins", "new", "loss", "my_loss").out == "ai-lens-my-loss\n"
    text = (nearby / "ai-lens-my-loss" / "pyproject.toml").read_text()
    assert tomllib.loads(text)["project"]["entry-points"] == {
        "ai_lens.losses": {"my_loss": "ai_lens_my_loss"}
    }


def test_new_takes_another_folder(ai_lens, nearby):
    assert ai_lens("plugins", "new", "quality", "shade", "--folder", "a b/shade").out == "a b/shade\n"
    assert "src/ai_lens_shade/__init__.py" in files(nearby / "a b" / "shade")


def test_new_overwrites_nothing(ai_lens, nearby):
    (nearby / "mine").mkdir()
    done = ai_lens("plugins", "new", "index", "my-index", "--folder", "mine")
    assert (done.status, done.out) == (7, "")
    assert done.err == "ai-lens: E700: mine is already there. Choose another folder: --folder DIR.\n"
    assert files(nearby) == set()


def test_new_where_nothing_can_be_written_is_one_line(ai_lens, nearby):
    (nearby / "file").write_text("")
    done = ai_lens("plugins", "new", "index", "my-index", "--folder", "file/mine")
    assert (done.status, done.out, done.err.count("\n")) == (7, "", 1)
    assert done.err.startswith("ai-lens: E700: file/mine cannot be written: ")


@pytest.mark.parametrize(
    "name", ["My", "1st", "a b", "a/b", "..", "", "a--b", "-a", "a_", "a.b", "a:b", "a+b", "전시", "ai-lens-"]
)
def test_new_refuses_names_that_would_not_work(ai_lens, nearby, name):
    done = ai_lens("plugins", "new", "index", "--", name)
    assert (done.status, done.out) == (2, "")
    assert f"'{name}' is no name for a plugin. Use small letters" in done.err
    assert files(nearby) == set()


@pytest.mark.parametrize("name", ["onnx", "helper", "shelf"])
def test_new_does_not_write_a_distribution_that_would_replace_another(ai_lens, nearby, install, name):
    install("ai-lens-shelf", SHELF, "ai_lens.indexes", "something-else")
    done = ai_lens("plugins", "new", "quality", name)
    assert (done.status, done.out) == (2, "")
    assert done.err == f"ai-lens: E600: There is a distribution ai-lens-{name}. Choose another name.\n"


def test_new_refuses_names_that_are_taken(ai_lens, nearby, install):
    install("ai-lens-shelf", SHELF, "ai_lens.indexes", "shelf")
    for name, owner in {
        "shelf": "ai-lens-shelf",
        "exact": "ai-lens-helper",
        "annoy": "ai-lens-annoy",
    }.items():
        done = ai_lens("plugins", "new", "index", name)
        assert (done.status, done.out) == (2, "")
        assert (
            done.err == f"ai-lens: E600: index '{name}' is already offered by {owner}. Choose another name.\n"
        )
    assert ai_lens("plugins", "new", "loss", "exact").status == 0, "names are taken within a family"


def test_new_of_an_unknown_family_names_the_nearest(ai_lens, nearby):
    done = ai_lens("plugins", "new", "exportr", "mine")
    assert done.status == 2
    assert "Did you mean 'exporter'?" in done.err


# --- the pages in docs/plugins


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.parametrize("family", plugins.FAMILIES)
def test_each_page_shows_exactly_what_new_writes(ai_lens, nearby, family):
    name, page = EXAMPLES[family], DOCS / f"{family}.md"
    package = nearby / ai_lens("plugins", "new", family, name).out.strip()
    (module,) = package.glob("src/*/__init__.py")
    assert f"ai-lens plugins new {family} {name}\n" in page.read_text(encoding="utf-8")
    assert blocks(page, "toml") == [(package / "pyproject.toml").read_text(encoding="utf-8")]
    shown = blocks(page, "python")
    assert module.read_text(encoding="utf-8") in shown
    assert (package / "tests" / "test_contract.py").read_text(encoding="utf-8") in shown


@pytest.mark.parametrize("family", plugins.FAMILIES)
def test_each_page_says_all_there_is_to_say(family):
    text = (DOCS / f"{family}.md").read_text(encoding="utf-8")
    wanted = ("Something silly that works", "The contract", "Options", "Test, check, publish", "Traps")
    assert re.findall(r"^## (.*)$", text, re.M) == list(wanted)
    assert f"ai-lens plugins check {EXAMPLES[family]}" in text
