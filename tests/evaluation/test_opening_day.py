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
from lens_core.artifacts import manifest

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "lens_core/evaluation/summary.schema.json").read_text(encoding="utf-8"))
POINTS = ["photos", "validate-data", "folds", "holdout", "thresholds", "report", "export", "guide"]


@pytest.fixture(scope="module")
def trained(run, tmp_path_factory):
    """A copy of the run, which these tests may change."""
    folder = tmp_path_factory.mktemp("opening") / "run"
    exported = shutil.ignore_patterns("*.onnx*")  # other tests export beside it
    return Path(shutil.copytree(run.checkpoint.parent, folder, ignore=exported))


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
    assert "The model is 1.1.0 now" in found["report"]["advice"]
    assert not found["export"]["done"]
    assert "of model version 1.0.0, not of 1.1.0" in found["export"]["evidence"]


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
    assert "E200" in done.err


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


@pytest.mark.parametrize("flag", ["--max-false-accept", "--confidence"])
def test_shares_out_of_range_are_refused(fresh, museum, ai_lens, flag):
    done = ai_lens("tune", "--model", fresh / "best.ckpt", "--data-root", museum, flag, "1.5")
    assert done.status == 2
    assert f"{flag} must be between 0 and 1, not 1.5" in done.err


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
