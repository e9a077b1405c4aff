"""A broken, slow or noisy plugin hurts only the one who chooses it, and is told apart from the others."""

import json
from importlib.metadata import version

import pytest
from hostile import ALL, BREAKING, MUTE, NATIVE, NOISY, SLOW, TWIN

COMPLETION = {"_AI_LENS_COMPLETE": "complete_bash", "COMP_WORDS": "ai-lens plugins ", "COMP_CWORD": "2"}


@pytest.fixture
def asked(onnx_model, visitor):
    """infer with the built-in index, about an exhibit."""
    return ["infer", "--model", onnx_model, "--place", "A", "--image", visitor("A", "ㄱ"), "--index", "exact"]


@pytest.fixture
def retake(asked):
    """infer about a photo that is to be taken again: every photo checker is asked for hints."""
    return [*asked, "--reject-threshold", "1"]


def same(besieged, usual, *arguments, **environment):
    """What both print to stdout, to the byte; both must end well."""
    here, there = usual(*arguments, **environment), besieged(*arguments, **environment)
    assert (there.returncode, there.stdout) == (0, here.stdout)
    assert here.returncode == 0
    assert b"Traceback" not in there.stderr
    return there


# --- nobody else is hurt


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["config"], ["plugins", "--help"]], ids=" ".join
)
def test_what_concerns_no_plugin_is_the_same_to_the_byte(besieged, usual, arguments):
    done = same(besieged, usual, *arguments)
    assert done.stdout
    assert done.stderr == b""


def test_shell_completion_is_the_same_to_the_byte(besieged, usual):
    assert b"check" in same(besieged, usual, **COMPLETION).stdout


def test_an_answer_is_the_same_to_the_byte(besieged, usual, asked):
    assert same(besieged, usual, *asked).stderr == b""


def test_a_retake_is_the_same_to_the_byte_and_says_which_checkers_failed(besieged, usual, retake):
    done = same(besieged, usual, *retake)
    assert json.loads(done.stdout)["decision"] == "recollect"
    told = done.stderr.decode().splitlines()
    for one in BREAKING:
        assert any(f"({one.distribution} 1.0)" in line for line in told), one.name


def test_the_listing_shows_them_all_and_the_others_as_before(besieged, usual):
    here, there = (json.loads(run("plugins", "list", "--json").stdout) for run in (usual, besieged))
    ours = {one.distribution for one in ALL}
    assert {row["distribution"] for row in there} >= ours
    others = [row | {"ambiguous": False} for row in there if row["distribution"] not in ours]
    assert others == here
    twice = [(row["name"], row["distribution"]) for row in there if row["ambiguous"]]
    assert twice == [("exact", TWIN.distribution), ("faiss", "ai-lens-faiss"), ("faiss", TWIN.distribution)]
    table = besieged("plugins")
    assert (table.returncode, table.stderr) == (0, b"")
    assert all(one.distribution in table.stdout.decode() for one in ALL)


def test_listing_waits_for_nobody(besieged):
    """SLOW would take five seconds to import, `leaves` would end the program: neither is imported."""
    for arguments in (["--help"], ["plugins"], ["plugins", "list", "--json"]):
        done = besieged(*arguments, PYTHONPROFILEIMPORTTIME="1")
        imported = done.stderr.decode()
        assert "lens_core.cli" in imported
        assert [one.name for one in ALL if one.distribution.replace("-", "_") in imported] == []


# --- who chooses one is told


@pytest.mark.parametrize("one", BREAKING, ids=lambda one: one.name)
def test_choosing_a_broken_one_says_which_why_and_what_to_do(besieged, asked, one):
    done = besieged(*asked[:-1], one.name)
    said = done.stderr.decode()
    assert (done.returncode, done.stdout) == (5, b"")
    assert said.count("\n") == 1, said
    assert said.startswith(f"ai-lens: {one.code}: index '{one.name}' ({one.distribution} 1.0) {one.cause}")
    assert said.rstrip().endswith(one.remedy)


def test_choosing_a_name_that_two_offer_says_who_they_are(besieged, asked):
    done = besieged(*asked[:-1], "faiss")
    cause = TWIN.cause.format(version=version("ai-lens-faiss"))
    assert (done.returncode, done.stdout) == (5, b"")
    assert done.stderr.decode() == f"ai-lens: {TWIN.code}: {cause} {TWIN.remedy}\n"


@pytest.mark.parametrize("one", [NOISY, SLOW], ids=lambda one: one.name)
def test_choosing_a_noisy_or_slow_one_answers_as_usual(besieged, usual, asked, one):
    assert besieged(*asked[:-1], one.name).stdout == usual(*asked).stdout


def test_what_native_code_prints_does_not_spoil_the_result(besieged, usual, asked):
    assert besieged(*asked[:-1], NATIVE.name).stdout == usual(*asked).stdout


def test_an_index_that_answers_nothing_is_named(besieged, asked):
    done = besieged(*asked[:-1], MUTE.name)
    assert (done.returncode, done.stdout) == (5, b"")
    assert done.stderr.decode().startswith(f"ai-lens: {MUTE.code}: ")


@pytest.mark.parametrize("one", BREAKING, ids=lambda one: one.name)
def test_info_shows_where_a_broken_one_comes_from(besieged, one):
    done = besieged("plugins", "info", one.name, "--family", "index", "--json")
    (about,) = json.loads(done.stdout)
    assert (done.returncode, about["distribution"], about["version"]) == (0, one.distribution, "1.0")
    if one.name in ("crashes-in-use", "wrong-type"):  # nothing is wrong until they are used
        assert (about["error"], about["hooks"]) == (None, ["check_photo", "make_index"])
    else:
        told = f"{one.code}: index '{one.name}' ({one.distribution} 1.0) {one.cause}"
        assert about["error"].startswith(told)


def test_check_notices_what_only_use_would_show(besieged):
    done = besieged("plugins", "check", "crashes-in-use", "--family", "index")
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 5
    assert "ok       it loads" in lines
    assert "failed   nearest come first" in lines
    why, advice = lines[lines.index("failed   nearest come first") + 1 :][:2]
    assert why.strip().endswith("failed in search: ZeroDivisionError: nobody is near") or "search" in why
    assert advice.strip().startswith("If this fails, check")
    assert done.stderr.decode().splitlines()[-1].startswith("ai-lens: E420: index 'crashes-in-use'")


# --- AI_LENS_PLUGINS


def test_an_allow_list_leaves_only_the_named_and_the_built_in(besieged, usual, retake):
    allowed = {"AI_LENS_PLUGINS": "ai-lens-onnx, AI_Lens.Photo"}
    assert same(besieged, usual, *retake, **allowed).stderr == b"", "the broken checkers were not even asked"
    refused = besieged(*retake[:-4], "--index", "noisy", **allowed)
    assert (refused.returncode, refused.stdout) == (5, b"")
    assert refused.stderr.decode() == (
        "ai-lens: E440: index 'noisy' (ai-lens-noisy 1.0) is not allowed by AI_LENS_PLUGINS. "
        "Add its distribution to AI_LENS_PLUGINS, or unset the variable.\n"
    )
    rows = json.loads(besieged("plugins", "list", "--json", **allowed).stdout)
    built_in = {"ai-lens-helper", "ai-lens-onnx", "ai-lens-photo"}
    assert {row["distribution"] for row in rows if row["allowed"]} == built_in
    assert not any(row["ambiguous"] for row in rows), "what may not load is in nobody's way"


def test_a_built_in_that_another_offers_too_is_usable_once_the_other_may_not_load(besieged, asked, run):
    built_in = besieged("infer", "--model", run.checkpoint, *asked[3:], AI_LENS_PLUGINS="ai-lens-timm")
    assert (built_in.returncode, built_in.stderr) == (0, b"")
    assert json.loads(built_in.stdout)["place"] == "A"


def test_all_plugins_can_be_switched_off_and_the_built_ins_still_load(besieged, asked):
    off = {"AI_LENS_PLUGINS": "none"}
    rows = json.loads(besieged("plugins", "list", "--json", **off).stdout)
    assert {row["distribution"] for row in rows if row["allowed"]} == {"ai-lens-helper"}
    for name in ("exact", "ckpt", "triplet"):
        (built_in, *_) = json.loads(besieged("plugins", "info", name, "--json", **off).stdout)
        assert (built_in["distribution"], built_in["error"]) == ("ai-lens-helper", None)
    refused = besieged(*asked, **off)
    assert (refused.returncode, refused.stdout) == (5, b"")
    assert refused.stderr.decode().startswith("ai-lens: E440: runtime 'onnx' (ai-lens-onnx ")
