"""From a trained model to opening day: evaluate, tune, export, compare, and the list that is signed."""

import json
import shutil
from pathlib import Path

import attrs
import jsonschema
import numpy as np
import pytest
from PIL import Image

from ai_lens_helper import Lens
from lens_core.artifacts import container, manifest
from lens_core.errors import NotEvaluatedError
from lens_core.evaluation.past import read

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "lens_core/evaluation/summary.schema.json").read_text(encoding="utf-8"))
POINTS = ["photos", "validate-data", "folds", "holdout", "thresholds", "report", "export", "guide"]


@pytest.fixture(scope="module")
def trained(run, tmp_path_factory):
    """A copy of the run, which these tests may change."""
    folder = tmp_path_factory.mktemp("opening") / "run"
    return Path(shutil.copytree(run.checkpoint.parent, folder))


@pytest.fixture
def fresh(trained, tmp_path):
    return Path(shutil.copytree(trained, tmp_path / "run"))


@pytest.fixture
def walls(tmp_path):
    """Photos that show no exhibit."""
    folder = tmp_path / "walls"
    folder.mkdir()
    for seed in range(70):
        rough = np.random.default_rng(seed).integers(60, 200, (12, 16, 3), np.uint8)
        Image.fromarray(rough).resize((160, 120)).save(folder / f"{seed:02}.jpg")
    return folder


def ticks(done):
    return {tick["point"]: tick for tick in json.loads(done.out)}


def test_a_trained_model_is_not_ready_until_everything_was_done(fresh, museum, ai_lens):
    first = ai_lens("checklist", fresh, "--json")
    assert first.status == 9
    assert list(ticks(first)) == POINTS
    assert [name for name, tick in ticks(first).items() if tick["done"]] == ["photos", "thresholds"]
    assert ai_lens("evaluate", "--model", fresh / "best.ckpt", "--data-root", museum).status == 0
    assert ai_lens("export", "--ckpt", fresh / "best.ckpt", "--onnx", fresh / "best.onnx").status == 0
    ready = ai_lens("checklist", fresh, "--require", "top1>=0.5", "--require", "holdout.top1>=0.3", "--json")
    assert [tick["evidence"] for tick in ticks(ready).values() if not tick["done"]] == []
    assert ready.status == 0
    found = ticks(ready)
    assert "60 photos of 6 items; fewest:" in found["photos"]["evidence"]
    assert "top1 " in found["folds"]["evidence"]
    assert "gate passed on" in found["export"]["evidence"]
    assert "best.onnx.md" in found["guide"]["evidence"]
    strict = ai_lens("checklist", fresh, "--require", "top1>1")
    assert strict.status == 9
    assert "top1>1 is required; it is" in strict.out


def test_after_tuning_the_report_and_the_export_are_of_an_older_model(fresh, museum, ai_lens):
    ai_lens("evaluate", "--model", fresh / "best.ckpt", "--data-root", museum)
    ai_lens("export", "--ckpt", fresh / "best.ckpt", "--onnx", fresh / "best.onnx")
    assert ai_lens("tune", "--model", fresh / "best.ckpt", "--data-root", museum).status == 0
    found = ticks(ai_lens("checklist", fresh, "--json"))
    assert not found["report"]["done"]
    assert "is model version 1.0.0, not 1.1.0" in found["report"]["evidence"]
    assert not found["folds"]["done"]
    assert not found["export"]["done"]
    assert "of another model: version 1.0.0" in found["export"]["evidence"]


def test_a_changed_export_no_longer_matches_its_guide(fresh, ai_lens):
    ai_lens("export", "--ckpt", fresh / "best.ckpt", "--onnx", fresh / "best.onnx")
    with (fresh / "best.onnx").open("ab") as file:
        file.write(b"\0")
    found = ticks(ai_lens("checklist", fresh, "--json"))
    assert "best.onnx is not what the guide describes" in found["guide"]["evidence"]
    assert "best.onnx cannot be opened" in found["export"]["evidence"]
    (fresh / "best.onnx.md").unlink()
    assert "has no guide" in ticks(ai_lens("checklist", fresh, "--json"))["guide"]["evidence"]


def test_the_guide_can_be_followed(fresh, museum, visitor, ai_lens, monkeypatch):
    """Its own command, run beside the export."""
    ai_lens("export", "--ckpt", fresh / "best.ckpt", "--onnx", fresh / "best.onnx")
    guide = (fresh / "best.onnx.md").read_text(encoding="utf-8")
    [command] = [one for one in guide.splitlines() if one.startswith("ai-lens infer")]
    shutil.copy(visitor("A", "ㄱ"), fresh / "photo.jpg")
    monkeypatch.chdir(fresh)
    done = ai_lens(*command.split()[1:])
    assert done.status == 0, done.err
    assert json.loads(done.out)["place"] == "A"


def test_a_folder_without_a_model_is_refused(tmp_path, ai_lens):
    done = ai_lens("checklist", tmp_path)
    assert done.status == 4
    assert "E250" in done.err


def test_what_evaluation_writes_keeps_the_published_schema(fresh, museum, walls, ai_lens):
    asked = ("--model", fresh / "best.ckpt", "--data-root", museum, "--ood", walls, "--json")
    done = ai_lens("evaluate", *asked)
    assert done.status == 0, done.err
    written = json.loads((fresh / "summary.json").read_text(encoding="utf-8"))
    assert json.loads(done.out) == written
    jsonschema.validate(written, SCHEMA)
    main = written["protocols"][0]
    assert set(main["unknown"]) == {"look_alike", "other_place", "ood"}
    lines = [json.loads(text) for text in (fresh / "answers.jsonl").read_text("utf-8").splitlines()]
    of_main = [one for one in lines if one["protocol"] == "folds" and one["kind"] == "exhibit"]
    right = sum(one["best_item"] == one["item"] for one in of_main) / len(of_main)
    assert main["top1"]["value"] == pytest.approx(right, abs=1e-4)


def test_the_promise_is_written_into_the_model_and_beside_it(fresh, museum, walls, ai_lens):
    before = Lens(fresh / "best.ckpt").manifest
    asked = ("--model", fresh / "best.ckpt", "--data-root", museum, "--ood", walls)
    done = ai_lens("tune", *asked, "--max-false-accept", "0.05", "--json")
    assert done.status == 0, done.err
    about = Lens(fresh / "best.ckpt").manifest
    promise = about.guarantee
    assert (promise.max_false_accept, promise.confidence) == (0.05, 0.95)
    assert 59 <= promise.bounds["ood"].shots <= 70
    assert promise.bounds["ood"].at_most <= 0.05
    assert promise.data_hash == about.provenance["data_hash"]
    assert about.model_version == "1.1.0"
    assert (about.embedding_id, about.classes) == (before.embedding_id, before.classes)
    record = json.loads((fresh / "tuning.json").read_text(encoding="utf-8"))
    assert json.loads(done.out) == record
    assert record["previous"]["thresholds"] == attrs.asdict(before.thresholds)
    assert record["chosen"]["thresholds"] == attrs.asdict(about.thresholds)
    assert len(record["surface"]["answered_right"]) == len(record["surface"]["min_top1_margin"])


def test_a_promise_that_cannot_be_made_changes_nothing(fresh, museum, walls, ai_lens):
    content = (fresh / "best.ckpt").read_bytes()
    asked = ("--model", fresh / "best.ckpt", "--data-root", museum, "--ood", walls)
    done = ai_lens("tune", *asked, "--max-false-accept", "0.01")
    assert done.status == 2
    assert "E330" in done.err
    assert "299 are needed" in done.err
    assert (fresh / "best.ckpt").read_bytes() == content
    assert not (fresh / "tuning.json").exists()


@pytest.mark.parametrize("score", ["energy", "combination"])
def test_a_model_tuned_for_another_score_answers_by_it_and_so_does_its_export(
    fresh, museum, visitor, ai_lens, score
):
    done = ai_lens("tune", "--model", fresh / "best.ckpt", "--data-root", museum, "--score", score)
    assert done.status == 0, done.err
    assert ai_lens("export", "--ckpt", fresh / "best.ckpt", "--onnx", fresh / "best.onnx").status == 0
    chosen = manifest.from_documents(Lens(fresh / "best.onnx")._runtime.documents, "it").thresholds.score
    assert chosen.name == score
    checkpoint, export = Lens(fresh / "best.ckpt"), Lens(fresh / "best.onnx")
    for item in ("ㄱ", "ㄴ", "ㄷ"):
        one, other = (lens.infer("A", visitor("A", item)) for lens in (checkpoint, export))
        assert (one.decision, one.selected_item) == (other.decision, other.selected_item)


def test_an_export_is_not_tuned_but_its_checkpoint(onnx_model, museum, ai_lens):
    done = ai_lens("tune", "--model", onnx_model, "--data-root", museum)
    assert done.status == 2
    assert "Tune the checkpoint" in done.err


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [
        ("--max-false-accept", "1.5", "must be between 0 and 1, not 1.5. For example 0.05."),
        ("--max-false-accept", "0", "must be between 0 and 1, not 0."),
        ("--confidence", "nan", "must be at least 0.5 and below 1, not nan. For example 0.95."),
    ],
)
def test_shares_out_of_range_are_refused(fresh, museum, ai_lens, flag, value, said):
    done = ai_lens("tune", "--model", fresh / "best.ckpt", "--data-root", museum, flag, value)
    assert done.status == 2
    assert f"{flag} {said}" in done.err


def test_another_models_evaluation_is_not_signed_off(fresh, museum, ai_lens, tmp_path):
    """The exhibits are the same, and so is the version."""
    other = shutil.copytree(fresh, tmp_path / "other")
    documents = container.read(other / "best.ckpt")
    about = json.loads(documents["manifest.json"])
    about["embedding_id"] = "0" * 16
    container.write(other / "best.ckpt", {**documents, "manifest.json": json.dumps(about).encode()})
    ai_lens("evaluate", "--model", fresh / "best.ckpt", "--data-root", museum, "--save-dir", other)
    found = ticks(ai_lens("checklist", other, "--json"))
    assert not any(found[point]["done"] for point in ("validate-data", "folds", "holdout", "report"))


@pytest.mark.parametrize("content", ["[]", "{}", "3", "{"])
def test_a_damaged_list_of_photos_is_no_tick(fresh, ai_lens, content):
    (fresh / "photos.sha256.json").write_text(content)
    found = ticks(ai_lens("checklist", fresh, "--json"))["photos"]
    assert (found["done"], found["evidence"][:35]) == (False, "photos.sha256.json cannot be read: ")


def test_a_folder_without_photos_to_refuse_is_named(fresh, museum, ai_lens, tmp_path):
    (tmp_path / "empty").mkdir()
    for command in ("tune", "evaluate"):
        done = ai_lens(
            command, "--model", fresh / "best.ckpt", "--data-root", museum, "--ood", tmp_path / "empty"
        )
        assert (done.status, "E100: There are no photos in" in done.err) == (3, True)


def test_items_that_the_model_does_not_know_are_told(fresh, museum, ai_lens, tmp_path):
    data = shutil.copytree(museum, tmp_path / "more")
    shutil.copytree(data / "A" / "ㄱ", data / "A" / "새")
    shutil.copytree(data / "A" / "ㄴ", data / "Z" / "ㄴ")  # a place that it was not asked to learn
    done = ai_lens("evaluate", "--model", fresh / "best.ckpt", "--data-root", data)
    assert done.status == 0
    assert "does not know A/새: left out" in done.err


def test_a_linked_model_is_tuned_where_it_lies(fresh, museum, ai_lens, tmp_path):
    link = tmp_path / "link.ckpt"
    link.symlink_to(fresh / "best.ckpt")
    assert ai_lens("tune", "--model", link, "--data-root", museum).status == 0
    assert link.is_symlink()
    assert Lens(fresh / "best.ckpt").manifest.model_version == "1.1.0"


def test_a_figure_that_cannot_be_is_refused_before_anything_is_measured(fresh, museum, ai_lens):
    done = ai_lens(
        "evaluate", "--model", fresh / "best.ckpt", "--data-root", museum, "--require", "top11>=0.9"
    )
    assert done.status == 2
    assert done.err.startswith("ai-lens: E600: There is no figure 'top11'.")


def test_the_same_run_twice_does_not_differ(fresh, museum, ai_lens, tmp_path):
    asked = ("evaluate", "--model", fresh / "best.ckpt", "--data-root", museum)
    ai_lens(*asked)
    ai_lens(*asked, "--save-dir", tmp_path / "again")
    done = ai_lens("compare", fresh, tmp_path / "again", "--json")
    found = json.loads(done.out)
    assert found["changes"] == []
    assert found["same_photos"]
    assert all(one["difference"]["value"] == 0 for one in found["differences"])
    assert "answered_right" in ai_lens("compare", fresh, tmp_path / "again").out


def test_an_evaluation_that_is_not_whole_is_refused(fresh, museum, ai_lens, tmp_path):
    """Its parts belong together."""
    ai_lens("evaluate", "--model", fresh / "best.ckpt", "--data-root", museum)
    for name, damage in {
        "summary.json": lambda text: text.replace('"format": 1', '"format": 99'),
        "answers.jsonl": lambda text: text[: text.index("\n") + 1],
        "report.html": lambda text: "",
    }.items():
        folder = shutil.copytree(fresh, tmp_path / name)
        assert read(folder).lines
        changed = damage((folder / name).read_text(encoding="utf-8"))
        (folder / name).write_text(changed, encoding="utf-8")
        said = "another version" if name == "summary.json" else f"{name} is not the one"
        with pytest.raises(NotEvaluatedError, match=said):
            read(folder)
