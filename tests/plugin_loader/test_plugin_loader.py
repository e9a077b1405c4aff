"""Plugins other people wrote: found without being imported, and broken ones hurt only who chooses them."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from lens_core import plugins
from lens_core.errors import (
    AmbiguousPluginError,
    BadSettingError,
    BrokenPluginError,
    CannotWriteError,
    LensError,
    NotInstalledError,
    PluginNotAllowedError,
    UnknownPluginError,
)

GOOD = """
import attrs
from lens_core import hookimpl
from lens_core.runtime.exact_index import ExactIndex

@attrs.frozen
class Options:
    nprobe: int = 4
    mapped: bool = False

@hookimpl
def options_type():
    return Options

@hookimpl
def make_index(name, options, dim):
    index = ExactIndex(dim)
    index.asked = (name, options.nprobe, dim)
    return index
"""
BARE = """
from lens_core import hookimpl
from lens_core.runtime.exact_index import ExactIndex

@hookimpl
def make_index(dim): return ExactIndex(dim)
"""


def error_of(kind, call, *arguments, **more):
    with pytest.raises(kind) as refused:
        call(*arguments, **more)
    assert "\n" not in str(refused.value)
    return refused.value.message


def names(family="index"):
    return [plugin.name for plugin in plugins.find(family)]


# --- listing


def test_what_is_installed_is_listed_by_name():
    assert names() == sorted(names())
    assert {"exact", "faiss"} <= set(names())
    assert {"ce", "arcface", "triplet"} <= set(names("loss"))
    assert {"ckpt", "onnx"} <= set(names("runtime"))


def test_listing_imports_no_plugin(install):
    site = install("ai-lens-loud", "raise SystemExit('imported')\n", "ai_lens.indexes", "loud")
    code = (
        "import sys\nfrom lens_core.plugins import FAMILIES, find\n"
        "print('loud' in [p.name for family in FAMILIES for p in find(family)])\n"
        "print([m for m in sys.modules if m.startswith('ai_lens_')])\n"
        "print({'torch', 'timm', 'faiss', 'onnxruntime', 'PIL', 'numpy'} & set(sys.modules))\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environ, check=True
    )
    assert done.stdout == "True\n[]\nset()\n"


def test_a_distribution_that_was_half_removed_hurts_nobody(install):
    site = install("ai-lens-half", BARE, "ai_lens.indexes", "half")
    (site / "ai_lens_half-1.0.dist-info" / "METADATA").unlink()
    assert "exact" in names()


def test_entry_points_of_other_programs_are_left_alone(install):
    install("another-program", "raise SystemExit\n", "console_scripts", "exact")
    assert plugins.make("index", "exact", {}, dim=3) is not None


# --- unknown names


def test_a_mistyped_name_is_answered_with_the_nearest():
    said = error_of(UnknownPluginError, plugins.load, "index", "fais")
    assert said == f"index 'fais' is unknown. Installed: {', '.join(names())}. Did you mean 'faiss'?"


def test_a_name_like_no_other_says_where_to_look():
    said = error_of(UnknownPluginError, plugins.load, "loss", "zzzz")
    assert said == f"loss 'zzzz' is unknown. Installed: {', '.join(names('loss'))}. See: ai-lens plugins"


@pytest.mark.parametrize(
    ("family", "name", "distribution"),
    [
        ("index", "scann", "ai-lens-scann"),
        ("index", "annoy", "ai-lens-annoy"),
        ("exporter", "openvino", "ai-lens-openvino"),
        ("runtime", "xml", "ai-lens-openvino"),
    ],
)
def test_a_published_plugin_that_is_not_here_says_how_to_get_it(family, name, distribution, monkeypatch):
    monkeypatch.setattr(plugins.metadata, "entry_points", lambda **_: [])
    said = error_of(NotInstalledError, plugins.load, family, name)
    assert said == f"{family} '{name}' is not installed. Try: pip install {distribution}"


def test_what_follows_a_colon_is_for_the_backbone_plugin():
    assert plugins.choose("backbone", "timm:resnet18").name == "timm"


@pytest.mark.parametrize(
    ("family", "name"), [("index", "faiss:hnsw"), ("loss", "ce:x"), ("exporter", "onnx:20")]
)
def test_what_follows_a_colon_is_not_ignored_elsewhere(family, name):
    assert f"{family} '{name}' is unknown" in error_of(UnknownPluginError, plugins.choose, family, name)


# --- two of one name


def test_two_distributions_of_one_name_are_an_error_naming_both(install):
    install("ai-lens-one", BARE, "ai_lens.indexes", "twin", version="1.0")
    install("ai-lens-two", BARE, "ai_lens.indexes", "twin", version="2.3")
    said = error_of(AmbiguousPluginError, plugins.load, "index", "twin")
    assert said == (
        "index 'twin' is offered by ai-lens-one 1.0 and ai-lens-two 2.3. "
        "Uninstall one of the two, or allow only one of them with AI_LENS_PLUGINS."
    )


def test_a_built_in_name_cannot_be_taken_over_and_stays_usable(install):
    install("ai-lens-thief", BARE, "ai_lens.indexes", "exact")
    assert plugins.load("index", "exact").plugin.distribution == plugins.CORE


def test_metadata_that_is_no_text_hurts_nobody_else(install):
    install("ai-lens-good", BARE, "ai_lens.indexes", "good")
    folder = install("ai-lens-garbled", BARE, "ai_lens.indexes", "garbled")
    (points,) = folder.glob("ai_lens_garbled*.dist-info/entry_points.txt")
    points.write_bytes(b"[ai_lens.indexes]\n\xff = x\n")
    assert {"exact", "good"} <= set(names())
    assert "garbled" not in names()


# --- nothing is sent


def test_libraries_are_told_not_to_report_home_before_a_plugin_is_imported(install, monkeypatch):
    for name in ("DO_NOT_TRACK", "HF_HUB_DISABLE_TELEMETRY", "ORT_DISABLE_TELEMETRY"):
        monkeypatch.delenv(name, raising=False)
    code = "import os\ntold = os.environ['ORT_DISABLE_TELEMETRY'], os.environ['DO_NOT_TRACK']\n" + BARE
    install("ai-lens-shy", code, "ai_lens.indexes", "shy")
    plugins.load("index", "shy")


def test_onnx_runtime_leaves_no_identifier_in_the_users_home(tmp_path):
    code = (
        "from lens_core import plugins\n"
        "plugins.load('runtime', 'onnx')\n"
        "import onnxruntime\n"
        "onnxruntime.get_available_providers()\n"
    )
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    quiet = {name: value for name, value in os.environ.items() if "TELEMETRY" not in name}
    subprocess.run([sys.executable, "-c", code], env=quiet | home, check=True)
    assert list(tmp_path.rglob("*")) == []


# --- what plugins do wrong


def test_a_missing_library_says_what_to_install(install):
    code = "import faiss_that_is_missing\n"
    install(
        "ai-lens-fast", code, "ai_lens.indexes", "fast", version="0.2.0",
        requires=["ai-lens-helper>=0.1", "faiss-that-is-missing-cpu>=1.8; python_version>'3'"],
    )  # fmt: skip
    said = error_of(NotInstalledError, plugins.load, "index", "fast")
    assert said == (
        "index 'fast' (ai-lens-fast 0.2.0) needs 'faiss_that_is_missing'. "
        "Try: pip install faiss-that-is-missing-cpu"
    )


def test_the_documented_message_of_faiss_word_for_word(install):
    code = "raise ModuleNotFoundError(\"No module named 'faiss'\", name='faiss')\n"
    install("ai-lens-faiss2", code, "ai_lens.indexes", "faiss2", version="0.2.0", requires=["faiss-cpu"])
    said = error_of(NotInstalledError, plugins.load, "index", "faiss2")
    assert said == "index 'faiss2' (ai-lens-faiss2 0.2.0) needs 'faiss'. Try: pip install faiss-cpu"


def test_a_missing_library_that_the_plugin_never_declared_means_its_installation_is_broken(install):
    install("ai-lens-vague", "import not_declared_anywhere\n", "ai_lens.indexes", "vague")
    said = error_of(NotInstalledError, plugins.load, "index", "vague")
    assert said.endswith("needs 'not_declared_anywhere'. Try: pip install --force-reinstall ai-lens-vague")


def test_an_entry_point_whose_module_is_gone_names_the_distribution(install):
    install("ai-lens-ghost", None, "ai_lens.indexes", "ghost")
    said = error_of(NotInstalledError, plugins.load, "index", "ghost")
    assert said.startswith("index 'ghost' (ai-lens-ghost 1.0) needs 'ai_lens_ghost'.")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("def broken(:\n", "SyntaxError: "),
        ("from os import no_such_name", "ImportError: cannot import name"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise BaseException('two\\nlines')", "BaseException: two lines"),
    ],
)
def test_a_plugin_that_fails_while_imported_hurts_only_who_chooses_it(install, code, reason):
    install("ai-lens-bad", code, "ai_lens.indexes", "bad")
    said = error_of(BrokenPluginError, plugins.load, "index", "bad")
    assert said.startswith(f"index 'bad' (ai-lens-bad 1.0) failed while it was imported: {reason}")
    assert "AI_LENS_DEBUG=1" in said
    assert "bad" in names()
    assert plugins.load("index", "exact").plugin.name == "exact"


def test_ctrl_c_while_a_plugin_is_imported_is_still_ctrl_c(install):
    install("ai-lens-slow", "raise KeyboardInterrupt\n", "ai_lens.indexes", "slow")
    with pytest.raises(KeyboardInterrupt):
        plugins.load("index", "slow")


def test_a_plugin_that_prints_while_imported_does_not_spoil_the_result_on_stdout(install, capsys):
    install("ai-lens-chatty", f"print('hello')\n{BARE}", "ai_lens.indexes", "chatty")
    assert len(plugins.make("index", "chatty", {}, dim=3)) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("@hookimpl\ndef make_index(name, dimension): ...", "dimension"),
        ("@hookimpl\ndef make_idnex(dim): ...", "make_idnex"),
        ("def make_index(dim): return dim", "implements no make_index; is the function marked @hookimpl?"),
        (
            "@hookimpl\ndef make_loss(name): ...",
            "implements no make_index; is the function marked @hookimpl?",
        ),
    ],
    ids=["wrong argument", "unknown hook", "no @hookimpl", "hook of another family"],
)
def test_a_plugin_that_does_not_fit_the_hooks_is_told_so_when_it_is_loaded(install, code, reason):
    install("ai-lens-misfit", f"from lens_core import hookimpl\n{code}\n", "ai_lens.indexes", "misfit")
    said = error_of(BrokenPluginError, plugins.load, "index", "misfit")
    assert said.startswith("index 'misfit' (ai-lens-misfit 1.0) ")
    assert reason in said


def test_a_hook_that_fails_names_the_plugin_and_the_hook(install):
    code = "from lens_core import hookimpl\n@hookimpl\ndef make_index(dim): return {}[dim]\n"
    install("ai-lens-late", code, "ai_lens.indexes", "late")
    said = error_of(BrokenPluginError, plugins.make, "index", "late", {}, dim=3)
    assert said.startswith("index 'late' (ai-lens-late 1.0) failed in make_index: KeyError: 3")


def test_a_hook_that_leaves_the_program_is_an_error(install):
    code = "from lens_core import hookimpl\n@hookimpl\ndef make_index(dim): raise SystemExit\n"
    install("ai-lens-exit", code, "ai_lens.indexes", "exit")
    assert "failed in make_index: SystemExit" in error_of(
        BrokenPluginError, plugins.make, "index", "exit", {}, dim=3
    )


def test_a_hook_that_answers_nothing_is_an_error(install):
    code = "from lens_core import hookimpl\n@hookimpl\ndef make_index(dim): pass\n"
    install("ai-lens-mute", code, "ai_lens.indexes", "mute")
    said = error_of(BrokenPluginError, plugins.make, "index", "mute", {}, dim=3)
    assert said.startswith("index 'mute' (ai-lens-mute 1.0) answered nothing to make_index.")


def test_a_product_that_keeps_no_contract_is_told_what_it_lacks(install):
    install("ai-lens-list", BARE.replace("ExactIndex(dim)", "[dim]"), "ai_lens.indexes", "list")
    said = error_of(BrokenPluginError, plugins.make, "index", "list", {}, dim=3)
    assert said.startswith(
        "index 'list' (ai-lens-list 1.0) made a list, which is no VectorIndex: it has no add, build, search."
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return [][0]", "IndexError: list index out of range"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import no_such_library", "needs 'no_such_library'"),
    ],
)
def test_a_product_that_fails_in_use_names_the_plugin(install, body, reason):
    code = BARE.replace("return ExactIndex(dim)", "return Late(dim)") + (
        f"class Late(ExactIndex):\n    def search(self, queries, k):\n        {body}\n"
    )
    install("ai-lens-late", code, "ai_lens.indexes", "late")
    index = plugins.make("index", "late", {}, dim=3)
    said = error_of(LensError, index.search, None, 1)
    assert said.startswith("index 'late' (ai-lens-late 1.0) ")
    assert reason in said


def test_a_product_whose_attribute_cannot_be_read_names_the_plugin(install):
    code = BARE.replace("return ExactIndex(dim)", "return Moody(dim)") + (
        "class Moody(ExactIndex):\n    @property\n    def mood(self): return {}['mood']\n"
    )
    install("ai-lens-moody", code, "ai_lens.indexes", "moody")
    index = plugins.make("index", "moody", {}, dim=3)
    said = error_of(BrokenPluginError, getattr, index, "mood")
    assert said.startswith("index 'moody' (ai-lens-moody 1.0) failed in mood: KeyError: 'mood'.")
    assert not hasattr(index, "weather")


def test_a_full_disk_is_not_blamed_on_the_plugin(install):
    code = BARE.replace("return ExactIndex(dim)", "return Full(dim)") + (
        "class Full(ExactIndex):\n    def save(self, path): raise OSError(28, 'No space left on device')\n"
    )
    install("ai-lens-full", code, "ai_lens.indexes", "full")
    index = plugins.make("index", "full", {}, dim=3)
    assert "No space left on device" in error_of(CannotWriteError, index.save, None)


def test_what_a_product_prints_in_use_goes_to_stderr(install, capsys):
    code = BARE.replace("return ExactIndex(dim)", "return Loud(dim)") + (
        "class Loud(ExactIndex):\n    def warm_up(self):\n        print('warm')\n"
    )
    install("ai-lens-loud", code, "ai_lens.indexes", "loud")
    plugins.make("index", "loud", {}, dim=3).warm_up()
    assert capsys.readouterr() == ("", "warm\n")


def test_others_print_to_stdout_while_a_plugin_is_at_work(install, capsys):
    """Whoever takes the answers of a batch prints them while the next ones are being worked on."""
    code = BARE.replace("return ExactIndex(dim)", "return Slow(dim)") + (
        "import threading\nclass Slow(ExactIndex):\n"
        "    began, ended = threading.Event(), threading.Event()\n"
        "    def warm_up(self):\n        print('inside')\n"
        "        self.began.set()\n        self.ended.wait(60)\n        print('still inside')\n"
    )
    install("ai-lens-slow", code, "ai_lens.indexes", "slow")
    index = plugins.make("index", "slow", {}, dim=3)
    worker = threading.Thread(target=index.warm_up)
    worker.start()
    assert index.began.wait(60)
    print("an answer")
    index.ended.set()
    worker.join()
    printed = capsys.readouterr()
    assert printed.out == "an answer\n"
    assert printed.err.splitlines() == ["inside", "still inside"]


def test_a_plugins_own_error_reaches_the_user_as_it_is(install):
    code = (
        "from lens_core import hookimpl\nfrom lens_core.errors import NotInstalledError\n"
        "@hookimpl\ndef make_index(dim): raise NotInstalledError('Needs a licence.', 'Buy one.')\n"
    )
    install("ai-lens-paid", code, "ai_lens.indexes", "paid")
    assert (
        error_of(NotInstalledError, plugins.make, "index", "paid", {}, dim=3) == "Needs a licence. Buy one."
    )


def test_the_other_checkers_still_run_when_one_is_broken(install):
    install("ai-lens-bad", "1 / 0\n", "ai_lens.quality", "bad")
    drivers, failures = plugins.load_all("quality")
    assert [driver.plugin.name for driver in drivers] == ["photo"]
    assert [type(failure) for failure in failures] == [BrokenPluginError]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("@attrs.frozen\nclass Options:\n    sky: 'Undefined' = None\n", "NameError"),
        ("@attrs.frozen\nclass Options:\n    sky: int\n", "cannot use its options"),
        ("Options = {}\n", "which is no attrs class"),
    ],
    ids=["annotation", "no default", "no class"],
)
def test_a_checker_whose_options_are_broken_is_left_out_and_named(install, options, reason):
    from lens_core.photos.quality import QualityChecks

    code = (
        "import attrs\nfrom lens_core import hookimpl\n"
        + options
        + "@hookimpl\ndef options_type(): return Options\n"
        + "@hookimpl\ndef check_photo(photo, options): return []\n"
    )
    install("ai-lens-sky", code, "ai_lens.quality", "sky")
    checks = QualityChecks.enabled()
    assert [driver.plugin.name for driver in checks.drivers] == ["photo"]
    (failure,) = checks.failures.values()
    assert "quality 'sky' (ai-lens-sky 1.0)" in failure.message
    assert reason in failure.message


@pytest.mark.parametrize(
    "finding", ["'sky', 5, {}", "'sky', 'much', {}", "'sky', 1, {'ko': 3}", "'sky', 1, where=None", "None, 1"]
)
def test_a_finding_that_is_none_names_the_checker(install, finding):
    from lens_core.contracts import Photo
    from lens_core.photos.quality import QualityChecks

    code = (
        "from lens_core import hookimpl\nfrom lens_core.contracts import Finding\n"
        f"@hookimpl\ndef check_photo(photo): return [Finding({finding})]\n"
    )
    install("ai-lens-sky", code, "ai_lens.quality", "sky")
    checks = QualityChecks.enabled(["sky"])
    assert checks.check(Photo(np.zeros((40, 40, 3), np.uint8), 40, 40)) == []
    assert [failure.code for failure in checks.failures.values()] == ["E420"]


# --- limits, tracing


def test_ai_lens_plugins_limits_which_may_load(install, monkeypatch):
    install("ai-lens-mine", BARE, "ai_lens.indexes", "mine")
    install("ai-lens-other", BARE, "ai_lens.indexes", "other")
    monkeypatch.setenv("AI_LENS_PLUGINS", "ai-lens-mine, ai-lens-photo")
    assert len(plugins.make("index", "mine", {}, dim=3)) == 0
    assert plugins.make("index", "exact", {}, dim=3) is not None  # what comes with ai-lens always may
    assert len(plugins.make("index", "mine", {}, dim=3)) == 0
    said = error_of(PluginNotAllowedError, plugins.load, "index", "other")
    assert said == (
        "index 'other' (ai-lens-other 1.0) is not allowed by AI_LENS_PLUGINS. "
        "Add its distribution to AI_LENS_PLUGINS, or unset the variable."
    )


@pytest.mark.parametrize("spelt", ["ai_lens_mine", "AI-Lens.Mine"])
def test_a_distribution_may_be_spelt_as_pip_allows(install, monkeypatch, spelt):
    install("ai-lens-mine", BARE, "ai_lens.indexes", "mine")
    monkeypatch.setenv("AI_LENS_PLUGINS", spelt)
    assert plugins.load("index", "mine").plugin.name == "mine"


@pytest.mark.parametrize("off", ["", "none"])
def test_a_kiosk_can_switch_off_all_but_the_built_in_ones(monkeypatch, off):
    monkeypatch.setenv("AI_LENS_PLUGINS", off)
    assert plugins.load("index", "exact").plugin.name == "exact"
    assert "faiss" in error_of(PluginNotAllowedError, plugins.load, "index", "faiss")


def test_checkers_that_may_not_load_are_left_out_quietly(install, monkeypatch):
    install("ai-lens-bad", "1 / 0\n", "ai_lens.quality", "bad")
    monkeypatch.setenv("AI_LENS_PLUGINS", "")
    assert plugins.load_all("quality") == ([], [])


def test_tracing_shows_each_call_and_its_answer_on_stderr(install, monkeypatch, capsys):
    install("ai-lens-mine", BARE, "ai_lens.indexes", "mine")
    monkeypatch.setenv("AI_LENS_TRACE", "1")
    plugins.make("index", "mine", {}, dim=3)
    printed = capsys.readouterr()
    assert "[ai-lens] make_index(name='mine', options=NoOptions(), dim=3)" in printed.err
    assert "[ai-lens] make_index -> <lens_core.runtime.exact_index.ExactIndex object" in printed.err
    assert printed.out == ""


def test_tracing_a_call_that_fails_shows_the_failure_and_the_same_error(install, monkeypatch, capsys):
    code = "from lens_core import hookimpl\n@hookimpl\ndef make_index(dim): return {}[dim]\n"
    install("ai-lens-late", code, "ai_lens.indexes", "late")
    monkeypatch.setenv("AI_LENS_TRACE", "1")
    assert "KeyError: 3" in error_of(BrokenPluginError, plugins.make, "index", "late", {}, dim=3)
    assert "[ai-lens] make_index -> KeyError(3)" in capsys.readouterr().err


# --- options


def test_options_reach_the_plugin_with_their_types(install):
    install("ai-lens-shelf", GOOD, "ai_lens.indexes", "shelf")
    assert plugins.make("index", "shelf", {"nprobe": 8}, dim=3).asked == ("shelf", 8, 3)


def test_an_unknown_option_is_answered_with_the_nearest_and_all(install):
    install("ai-lens-shelf", GOOD, "ai_lens.indexes", "shelf")
    said = error_of(BadSettingError, plugins.make, "index", "shelf", {"nprob": 8}, dim=3)
    assert said == (
        "index 'shelf' (ai-lens-shelf 1.0) has no option 'nprob'. "
        "Its options: mapped, nprobe. Did you mean 'nprobe'?"
    )


def test_an_option_for_a_plugin_that_has_none_says_so():
    said = error_of(BadSettingError, plugins.make, "index", "exact", {"nprobe": 8}, dim=3)
    assert said.endswith("has no option 'nprobe'. Its options: none.")


@pytest.mark.parametrize("given", [{"nprobe": "many"}, {"nprobe": 8.5}, {"nprobe": True}, {"mapped": "no"}])
def test_an_option_of_the_wrong_type_is_an_error_naming_it(install, given):
    install("ai-lens-shelf", GOOD, "ai_lens.indexes", "shelf")
    said = error_of(BadSettingError, plugins.make, "index", "shelf", given, dim=3)
    assert said.startswith("index 'shelf' (ai-lens-shelf 1.0) cannot use its options: ")
    assert next(iter(given)) in said


@pytest.mark.parametrize("given", [0.3, None, [1]])
def test_options_that_are_no_pairs_are_an_error(given):
    said = error_of(BadSettingError, plugins.load("loss", "arcface").options, given)
    assert said.startswith("loss 'arcface' (ai-lens-helper 0.1.0) takes options as `key: value`, not ")


def test_an_option_out_of_range_is_an_error_naming_it():
    with pytest.raises(BadSettingError, match="opset"):
        plugins.make("exporter", "onnx", {"opset": 99})


def test_every_error_a_plugin_can_cause_is_one_a_user_can_read():
    for kind in (UnknownPluginError, NotInstalledError, BrokenPluginError, AmbiguousPluginError):
        assert issubclass(kind, LensError)
        assert kind.exit_status == 5
