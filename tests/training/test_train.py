"""A training run: what it leaves behind, and that it can be repeated."""

import hashlib
import json
import shutil

import attrs
import numpy as np
import pytest

from ai_lens_helper import Lens
from lens_core.artifacts import container, provenance
from lens_core.errors import BadSettingError, BusyError, NoThresholdError, UnknownPluginError
from lens_core.photos.layout import scan
from lens_core.photos.strays import StrayPhoto
from lens_core.training.checkpoint import WEIGHTS
from lens_core.training.train import train

SMALL = {
    "A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold"), "ㄷ": ("tent", "teal")},
    "B": {"ㄱ": ("box", "navy")},
}


@pytest.fixture
def quick(tiny_settings):
    """Settings for runs whose quality does not matter."""
    return attrs.evolve(tiny_settings, epochs=2, embedding_dim=8)


@pytest.fixture(scope="module")
def small(build_museum, tmp_path_factory):
    return build_museum(tmp_path_factory.mktemp("small") / "data", SMALL, photos=4)


def weights_of(run):
    return container.read(run.checkpoint)[WEIGHTS]


# --- again and again


def test_the_same_seed_and_photos_give_the_same_model(run, museum, tiny_settings, tmp_path, monkeypatch):
    monkeypatch.setenv("AI_LENS_CACHE_DIR", str(tmp_path / "cache"))  # nothing is known from the first run
    again = train(tiny_settings, scan(museum), tmp_path / "again")
    assert weights_of(again) == weights_of(run)
    assert again.manifest.embedding_id == run.manifest.embedding_id
    assert again.manifest.calibration == run.manifest.calibration
    assert again.manifest.thresholds == run.manifest.thresholds
    assert again.metrics == run.metrics


def test_another_seed_gives_another_model(quick, small, tmp_path):
    one, other = (train(attrs.evolve(quick, seed=seed), scan(small), tmp_path / str(seed)) for seed in (1, 2))
    assert weights_of(one) != weights_of(other)


def test_a_second_run_computes_no_feature_again(quick, small, tmp_path):
    first = {}

    def stage(title):
        if title.startswith("Learning"):
            raise KeyboardInterrupt
        return lambda done, total: first.setdefault(title, (done, total))

    train(quick, scan(small), tmp_path / "first")
    with pytest.raises(KeyboardInterrupt):
        train(quick, scan(small), tmp_path / "second", stage=stage)
    assert first["Looking at the photos"] == (16, 16)


# --- what is left behind


def test_the_run_says_where_the_model_came_from(run, museum, tiny_settings):
    about = run.manifest
    assert about.backbone.name == tiny_settings.backbone
    assert about.backbone.full_name.startswith("test_resnet (weights: tiny.safetensors, sha256 ")
    assert about.settings["seed"] == 42
    assert about.provenance["photos"] == 60
    packages = about.provenance["environment"]["packages"]
    assert {"ai-lens-helper", "torch", "timm", "numpy"} <= set(packages)
    assert about.classes == scan(museum).items
    assert about.preprocess.size == 64
    assert about.embedding_dim == 32


def test_every_photo_is_recorded_by_its_hash(run, museum):
    recorded = json.loads((run.checkpoint.parent / "photos.sha256.json").read_text(encoding="utf-8"))
    assert recorded == {
        path.relative_to(museum).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in museum.rglob("*.jpg")
    }


def test_the_figures_beside_the_model_are_those_it_reports(run):
    figures = json.loads((run.checkpoint.parent / "metrics.json").read_text(encoding="utf-8"))
    assert figures == run.metrics
    assert figures["seed"] == 42
    assert figures["photos"] == 60
    top1 = figures["top1"]
    assert 0.8 <= top1["low"] <= top1["value"] <= top1["high"] <= 1
    assert set(figures["unknown"]) == {"look_alike", "other_place"}


def test_the_model_says_what_its_thresholds_were_tuned_for(run):
    point = run.manifest.operating_point
    assert set(point.false_accepts) == {"look_alike", "other_place"}
    assert point.photos == {"exhibit": 60, "look_alike": 60, "other_place": 60}
    assert point.accepted_right + point.accepted_wrong <= 1


def test_the_gallery_holds_every_photo_at_length_one(run, museum):
    gallery = Lens(run.checkpoint).gallery
    assert list(gallery.labels) == [(photo.place, photo.item) for photo in scan(museum).photos]
    np.testing.assert_allclose(np.linalg.norm(gallery.embeddings, axis=1), 1, atol=1e-5)


def test_no_temporary_file_is_left_in_the_runs_folder(quick, small, tmp_path):
    train(quick, scan(small), tmp_path / "run")
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"best.ckpt", "metrics.json", "photos.sha256.json"} <= left
    assert not [name for name in left if name.startswith(".") or name.endswith((".part", ".state", ".lock"))]


def test_the_hash_of_the_photos_is_about_what_they_show_not_what_they_are_called(run, museum, tmp_path):
    def data_hash(root):
        dataset = scan(root)
        hashes = [hashlib.sha256(photo.path.read_bytes()).hexdigest() for photo in dataset.photos]
        return provenance.data_hash(dataset, hashes)

    renamed, refiled = (shutil.copytree(museum, tmp_path / name) for name in ("renamed", "refiled"))
    (renamed / "A/ㄱ/img_000.jpg").rename(renamed / "A/ㄱ/다른 이름.jpg")
    (refiled / "A/ㄱ/img_000.jpg").rename(refiled / "A/ㄴ/moved.jpg")
    assert data_hash(museum) == run.manifest.provenance["data_hash"]
    assert data_hash(renamed) == data_hash(museum)
    assert data_hash(refiled) != data_hash(museum)


# --- thresholds


def test_photos_that_show_no_exhibit_are_measured_too(quick, small, draw, tmp_path):
    walls = []
    for number in range(5):
        path = tmp_path / f"wall {number}.jpg"
        draw("none", "", number).save(path)
        walls.append(StrayPhoto(path, path.name))
    run = train(quick, scan(small), tmp_path / "run", strays=walls)
    assert run.manifest.operating_point.photos["ood"] == 5 * 2  # asked in each of the two places
    assert "ood" in run.metrics["unknown"]


def test_thresholds_set_by_hand_are_kept(quick, small, tmp_path):
    by_hand = attrs.evolve(quick.reject, tune=False, threshold=0.7, min_top1_margin=0.1, max_distance=0.3)
    run = train(attrs.evolve(quick, reject=by_hand), scan(small), tmp_path)
    stored = run.manifest.thresholds
    assert (stored.threshold, stored.min_top1_margin, stored.max_distance) == (0.7, 0.1, 0.3)


def test_too_few_photos_to_measure_on_give_a_model_that_asks_for_a_threshold(
    quick, build_museum, visitor, tmp_path
):
    data = build_museum(
        tmp_path / "data", {"A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold")}}, photos=1
    )
    run = train(quick, scan(data), tmp_path / "run")
    assert (run.manifest.thresholds, run.manifest.operating_point) == (None, None)
    with pytest.raises(NoThresholdError):
        Lens(run.checkpoint).infer("A", visitor("A", "ㄱ"))
    assert (
        Lens(run.checkpoint).infer("A", visitor("A", "ㄱ"), reject_threshold=0.0).predictions[0].item == "ㄱ"
    )


def test_even_a_single_photo_gives_scores_that_are_numbers(quick, build_museum, visitor, tmp_path):
    data = build_museum(tmp_path / "data", {"A": {"ㄱ": ("disc", "crimson")}}, photos=1)
    result = Lens(train(quick, scan(data), tmp_path / "run").checkpoint).infer(
        "A", visitor("A", "ㄱ"), reject_threshold=0.0
    )
    assert np.isfinite([result.predictions[0].score, result.distance]).all()


def test_copies_of_one_photo_never_prove_anything(quick, build_museum, tmp_path):
    """An item that is one photo, ten times: it cannot be held out, so it is not counted as recognised."""
    data = build_museum(
        tmp_path / "data", {"A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold")}}, photos=8
    )
    for number in range(1, 8):
        shutil.copy(data / "A/ㄱ/img_000.jpg", data / f"A/ㄱ/img_{number:03}.jpg")
    run = train(quick, scan(data), tmp_path / "run")
    assert run.metrics["photos"] <= 8


# --- mistakes


def test_random_weights_without_fine_tuning_are_refused(tiny_settings, small, tmp_path):
    bare = attrs.evolve(tiny_settings, pretrained=False, weights=None)
    with pytest.raises(BadSettingError, match=r"has learned nothing\. Leave out finetune: none\."):
        train(bare, scan(small), tmp_path)


def test_an_unknown_loss_is_answered_with_those_there_are(quick, small, tmp_path):
    with pytest.raises(UnknownPluginError, match=r"loss 'arcfac' is unknown.* Did you mean 'arcface'"):
        train(attrs.evolve(quick, loss="ce+arcfac"), scan(small), tmp_path)


def test_two_runs_cannot_write_one_folder_at_a_time(quick, small, tmp_path):
    def start_another(title):
        with pytest.raises(BusyError, match=f"E710: Another ai-lens process is writing to {tmp_path}"):
            train(quick, scan(small), tmp_path)
        return lambda done, total: None

    train(quick, scan(small), tmp_path, stage=start_another)
    train(quick, scan(small), tmp_path)  # and when the first has finished, it may


def test_a_failed_run_leaves_the_model_of_the_one_before(quick, small, tmp_path):
    before = train(quick, scan(small), tmp_path / "run").checkpoint.read_bytes()

    def stage(title):
        if title.startswith("Learning"):
            raise KeyboardInterrupt
        return lambda done, total: None

    with pytest.raises(KeyboardInterrupt):
        train(quick, scan(small), tmp_path / "run", stage=stage)
    assert (tmp_path / "run" / "best.ckpt").read_bytes() == before
