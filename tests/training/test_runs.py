"""What a run tells of itself: its version, how it was started, whether it can be repeated, its card."""

import json
import re
import shutil
import subprocess

import pytest

from lens_core.artifacts import container, manifest, runs
from lens_core.artifacts.provenance import Origin
from lens_core.errors import DataError, NoRunError
from lens_core.training.checkpoint import WEIGHTS

PLAN = {"A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold")}, "B": {"ㄱ": ("box", "navy")}}


@pytest.fixture
def photos(build_museum, tmp_path):
    return build_museum(tmp_path / "museum" / "data", PLAN, photos=4)


@pytest.fixture
def train(ai_lens, random_weights, photos, tmp_path, monkeypatch):
    """``train("name", *more)``: a quick run in ./runs/name, started in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(name, *more, data=photos):
        flags = ("--backbone", "timm:test_resnet", "--weights", random_weights, "--img-size", 64)
        quick = ("--embedding", 8, "--epochs", 2, "--loss", "ce", "--min-images", 2)
        done = ai_lens("train", "--data-root", data, *flags, *quick, "--save-dir", f"runs/{name}", *more)
        assert done.status == 0, done.err
        return tmp_path / "runs" / name

    return call


@pytest.fixture
def rewrite_provenance():
    def rewrite(run, **changes):
        path = run / runs.CHECKPOINT
        documents = container.read(path)
        told = json.loads(documents[manifest.NAME])
        told["provenance"] |= changes
        container.write(path, {**documents, manifest.NAME: json.dumps(told).encode()})

    return rewrite


def about(run):
    path = run / runs.CHECKPOINT
    return manifest.from_documents(container.read(path), path)


# --- versions


def test_versions_follow_from_what_has_changed_since_the_run_before(train, photos):
    assert about(train("1")).model_version == "1.0.0"
    assert about(train("2")).model_version == "1.0.0"  # the very model
    assert about(train("3", "--seed", 7)).model_version == "1.1.0"
    described = {"places": {"A": {"items": {"ㄱ": {"description": {"ko": "둥근 것"}}}}}}
    (photos / "metadata.json").write_text(json.dumps(described), encoding="utf-8")
    assert about(train("4", "--seed", 7)).model_version == "1.1.1"
    shutil.copytree(photos / "B" / "ㄱ", photos / "B" / "ㄷ")
    assert about(train("5", "--seed", 7)).model_version == "2.0.0"


def test_a_run_in_the_same_folder_follows_the_one_that_it_replaces(train):
    train("1")
    newer = train("2", "--seed", 7)
    assert about(newer).model_version == "1.1.0"
    assert about(train("1", "--seed", 8)).model_version == "1.1.0"


def test_models_of_other_places_are_not_followed(train, build_museum, tmp_path):
    train("1")
    elsewhere = build_museum(tmp_path / "elsewhere", {"C": PLAN["A"]}, photos=4)
    assert about(train("2", data=elsewhere)).model_version == "1.0.0"


def test_a_version_can_be_asked_for(train, ai_lens, photos):
    assert about(train("1", "--model-version", "4.2.0")).model_version == "4.2.0"
    assert about(train("2", "--seed", 7)).model_version == "4.3.0"
    done = ai_lens("train", "--data-root", photos, "--model-version", "four")
    assert (done.status, done.err[:16]) == (2, "ai-lens: E600: '")


# --- how it was started


def test_a_run_keeps_how_it_was_started(train, photos):
    run = train("1", "--place", "A")
    record = runs.read(run)
    assert record.state == "done"
    assert record.seconds > 0
    assert record.data_of(run).resolve() == photos
    assert record.places == ("A",)
    assert record.settings["embedding_dim"] == 8
    assert "--place A" in record.origin.command
    packages = (run / runs.PACKAGES).read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"\S+==\S+", line) for line in packages)
    assert any(line.startswith("torch==") for line in packages)


def test_the_model_does_not_tell_the_folders_of_whoever_trained_it(train, tmp_path):
    run = train("1")
    told = about(run).provenance["command"]
    assert "--data-root data --backbone timm:test_resnet" in told
    assert str(tmp_path) in runs.read(run).origin.command
    everything = b"".join(
        content for name, content in container.read(run / runs.CHECKPOINT).items() if name.endswith(".json")
    )
    card = (run / "MODEL_CARD.md").read_bytes()
    assert str(tmp_path).encode() not in everything + card


def test_strip_pii_leaves_the_folders_out_of_the_run_too(
    ai_lens, train, photos, random_weights, tmp_path, monkeypatch
):
    monkeypatch.setenv("AI_LENS_STRIP_PII", "true")
    run = train("1")
    kept = b"".join(path.read_bytes() for path in run.iterdir() if path.suffix != ".ckpt")
    assert str(tmp_path).encode() not in kept
    done = ai_lens("reproduce", run)
    assert (done.status, "Pass --data-root." in done.err) == (2, True)
    again = ai_lens("reproduce", run, "--data-root", photos, "--weights", random_weights)
    assert (again.status, again.out) == (0, "The same model, byte for byte.\n")


def test_the_git_commit_is_told_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Origin.here().git is None
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b.c")
    (tmp_path / "settings.yaml").write_text("seed: 1\n")
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "x")):
        subprocess.run([*git, *words], check=True)
    state = Origin.here().git
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
    assert (state.commit, state.changed) == (head.strip(), False)
    (tmp_path / "settings.yaml").write_text("seed: 2\n")
    assert Origin.here().git.changed


# --- the record


@pytest.fixture
def record(tmp_path):
    return runs.RunRecord.of(tmp_path / "run", tmp_path / "data", (), None, {}, Origin("x", "2026", None))


def test_a_run_that_was_stopped_stays_unfinished(record, tmp_path):
    with pytest.raises(KeyboardInterrupt), runs.recorded(tmp_path / "run", record):
        raise KeyboardInterrupt
    assert runs.read(tmp_path / "run").state == "unfinished"


def test_a_mistake_leaves_the_record_as_it_was(record, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(DataError), runs.recorded(folder, record):
        raise DataError("no such photo", "Look again.")
    with pytest.raises(NoRunError, match=r"E250.*no run\.json"):
        runs.read(folder)
    with runs.recorded(folder, record):
        pass
    with pytest.raises(DataError), runs.recorded(folder, record):
        raise DataError("no such photo", "Look again.")
    assert runs.read(folder).state == "done"


def test_damaged_runs_are_named_in_the_list(ai_lens, tmp_path):
    (tmp_path / "runs" / "x").mkdir(parents=True)
    (tmp_path / "runs" / "x" / runs.NAME).write_text("{")
    done = ai_lens("runs", "--root", tmp_path / "runs")
    assert (done.status, "run.json cannot be read" in done.err) == (0, True)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 2}', '{"data_root": 3}'])
def test_a_damaged_record_is_named(text, tmp_path):
    (tmp_path / runs.NAME).write_text(text)
    with pytest.raises(NoRunError, match=r"run\.json cannot be read"):
        runs.read(tmp_path)


def test_a_complete_run_is_not_resumed(ai_lens, train):
    run = train("1")
    done = ai_lens("train", "--resume", run)
    assert (done.status, "is complete" in done.err) == (2, True)


# --- ai-lens runs


def test_runs_are_listed_the_oldest_first(ai_lens, train):
    train("b")
    train("a", "--seed", 7)
    lines = ai_lens("runs").out.splitlines()
    assert [line.split()[:2] for line in lines[3:]] == [["b", "1.0.0"], ["a", "1.1.0"]]
    listed = json.loads(ai_lens("runs", "--json").out)
    assert [one["model_version"] for one in listed] == ["1.0.0", "1.1.0"]
    assert listed[0]["metrics"]["top1"] == json.loads((train("b") / "metrics.json").read_text())["top1"]


def test_runs_tell_in_what_they_differ(ai_lens, train):
    one, other = train("1"), train("2", "--seed", 7, "--place", "A")
    told = ai_lens("runs", one, other).out.split("What differs")[1]
    assert re.findall(r"^(\S+) +(\S+) +(\S+)$", told, re.MULTILINE)[2:4] == [
        ("photos", "12", "8"),
        ("data_hash", *(about(run).provenance["data_hash"][:60] for run in (one, other))),
    ]
    assert re.search(r"^seed +42 +7$", told, re.MULTILINE)
    assert re.search(r"^places +A, B +A$", told, re.MULTILINE)
    assert "torch" not in told


def test_no_runs_are_no_mistake(ai_lens, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = ai_lens("runs")
    assert (done.status, done.out, done.err) == (0, "", "There are no runs in runs.\n")
    assert ai_lens("runs", "nowhere", "here").status == 4
    assert ai_lens("runs", "nowhere").status == 2


# --- ai-lens reproduce


def test_a_run_is_reproduced_byte_for_byte(ai_lens, train, tmp_path, monkeypatch):
    run = train("1")
    monkeypatch.setenv("AI_LENS_CACHE_DIR", str(tmp_path / "cache"))  # no feature is known
    monkeypatch.setenv("AI_LENS_SEED", "3")  # settings of today are not those of that run
    done = ai_lens("reproduce", run, "--save-dir", "again")
    assert (done.status, done.out) == (0, "The same model, byte for byte.\n")
    models = [container.read(folder / runs.CHECKPOINT) for folder in (run, tmp_path / "again")]
    assert models[0][WEIGHTS] == models[1][WEIGHTS]


def test_what_is_not_the_same_is_told(ai_lens, train, photos):
    run = train("1")
    path = run / runs.CHECKPOINT
    documents = container.read(path)
    weights = bytearray(documents[WEIGHTS])
    weights[-1] ^= 0x40
    container.write(path, {**documents, WEIGHTS: bytes(weights)})
    (run / runs.PACKAGES).write_text((run / runs.PACKAGES).read_text().replace("torch==", "torch==9."))
    done = ai_lens("reproduce", run, "--json")
    found = json.loads(done.out)
    assert (done.status, found["same"]) == (9, False)
    assert [reason.split(" by ")[0] for reason in found["model"]] == ["weights differ"]
    assert re.fullmatch(r"1 packages are other ones: torch 9\.\S+ -> \S+", found["software"][0])
    (photos / "A" / "ㄱ" / "img_000.jpg").unlink()
    shutil.copy(photos / "A" / "ㄱ" / "img_001.jpg", photos / "A" / "ㄱ" / "img_002.jpg")
    done = ai_lens("reproduce", run)
    assert done.status == 9
    assert done.out.splitlines()[1:] == [
        "- 1 photos are missing: A/ㄱ/img_000.jpg",
        "- 1 photos are changed: A/ㄱ/img_002.jpg",
    ]


def test_a_repeated_run_can_be_kept_in_a_new_folder_only(ai_lens, train, tmp_path):
    run = train("1", "--model-version", "3.1.4")
    before = (run / runs.CHECKPOINT).read_bytes()
    done = ai_lens("reproduce", run, "--save-dir", run)
    assert (done.status, "is not empty" in done.err) == (2, True)
    assert (run / runs.CHECKPOINT).read_bytes() == before
    assert ai_lens("reproduce", run, "--save-dir", "runs/again").status == 0
    assert about(tmp_path / "runs" / "again").model_version == "3.1.4"
    listed = [line.split()[:2] for line in ai_lens("runs").out.splitlines()[3:]]
    assert listed == [["1", "3.1.4"], ["again", "3.1.4"]]


def test_photos_to_be_refused_belong_to_what_is_repeated(ai_lens, train, draw, photos, tmp_path):
    for number in range(3):
        (photos / "ood").mkdir(exist_ok=True)
        draw("tent", "teal", number).save(photos / "ood" / f"{number}.jpg")
    run, plain = train("1"), tmp_path / "runs" / "1"
    other = shutil.move(photos / "ood", tmp_path / "renamed")
    again = ai_lens("reproduce", run, "--ood", other)
    assert (again.status, again.out) == (0, "The same model, byte for byte.\n")
    draw("tent", "navy", 7).save(other / "1.jpg")
    done = ai_lens("reproduce", run, "--ood", other)
    assert (done.status, done.out.splitlines()[1:]) == (
        9,
        ["- 1 photos that show no exhibit (--ood) are changed: 1.jpg"],
    )
    told = ai_lens("runs", plain, train("2")).out.split("What differs")[1]
    assert re.search(
        rf"^refused_hash +{about(plain).provenance['refused_hash'][:60]} +-$", told, re.MULTILINE
    )


def test_other_words_about_an_exhibit_are_another_model(ai_lens, train, photos):
    run = train("1")
    described = {"places": {"A": {"items": {"ㄱ": {"description": {"ko": "둥근 것"}}}}}}
    (photos / "metadata.json").write_text(json.dumps(described), encoding="utf-8")
    done = ai_lens("reproduce", run)
    assert (done.status, done.out.splitlines()[1:]) == (
        9,
        ["- exhibits are described in other words (metadata.json)"],
    )


def test_any_other_package_is_a_difference(ai_lens, train):
    one, other = train("1"), train("2")
    assert "Settings, photos and software are the same." in ai_lens("runs", one, other).out
    packages = (other / runs.PACKAGES).read_text()
    (other / runs.PACKAGES).write_text(re.sub(r"^scipy==.*", "scipy==0.1", packages, flags=re.MULTILINE))
    told = ai_lens("runs", one, other).out.split("What differs")[1]
    assert re.search(r"^scipy +\S+ +0\.1$", told, re.MULTILINE)


def test_photos_that_have_moved_are_asked_for(ai_lens, train, photos, tmp_path):
    run = train("1")
    shutil.move(photos, tmp_path / "elsewhere")
    assert "Pass --data-root." in ai_lens("reproduce", run).failed(2, "E600")
    assert ai_lens("reproduce", run, "--data-root", tmp_path / "elsewhere").status == 0


def test_more_processes_than_now_are_a_reason(ai_lens, train, rewrite_provenance):
    run = train("1")
    rewrite_provenance(run, processes=2)
    told = ai_lens("reproduce", run).out
    assert "Beside that, it was trained by 2 processes on cpu, and now by 1 process on cpu" in told


def test_only_complete_runs_are_reproduced(ai_lens, record, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt), runs.recorded(folder, record):
        raise KeyboardInterrupt
    done = ai_lens("reproduce", folder)
    assert (done.status, "train --resume" in done.err) == (2, True)


# --- the model card


def test_hubs_can_read_the_card(run):
    hub = pytest.importorskip("huggingface_hub")
    card = hub.ModelCard.load(run.checkpoint.with_name("MODEL_CARD.md"))
    assert card.data.library_name == "ai-lens"
    results = {one.metric_name: one.metric_value for one in card.data.eval_results}
    assert results["right item first (top-1)"] == run.metrics["top1"]["value"]
    against = "AUROC against exhibits of the place, each treated as unknown in turn"
    assert results[against] == run.metrics["unknown"]["look_alike"]["auroc"]["value"]


def test_the_card_says_what_the_model_is(run):
    text = run.checkpoint.with_name("MODEL_CARD.md").read_text(encoding="utf-8")
    told = run.manifest
    assert f"version {told.model_version}" in text
    assert told.provenance["data_hash"] in text
    assert f"T {told.thresholds.threshold:g}" in text
    assert re.search(r"^\| A \| \d+ \|$", text, re.MULTILINE)


def test_a_model_that_could_not_be_measured_says_so(train, build_museum, tmp_path):
    alone = build_museum(tmp_path / "one", {"A": {"ㄱ": ("disc", "crimson")}}, photos=2)
    text = (train("1", data=alone) / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "| not measured | too few photos |" in text
    assert "model-index" not in text
