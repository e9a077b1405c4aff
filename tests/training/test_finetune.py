"""Fine-tuning: stopped and gone on with, it ends where it would have ended."""

import json
import os
import re
import shutil
import signal
from itertools import pairwise

import attrs
import numpy as np
import pytest
import torch

from lens_core.artifacts import container
from lens_core.artifacts import gallery as galleries
from lens_core.errors import BadSettingError, NotEnoughMemoryError, ShowsExhibitError
from lens_core.photos.layout import scan
from lens_core.photos.strays import StrayPhoto
from lens_core.progress import no_progress, silent
from lens_core.runtime.lens import Lens
from lens_core.settings import Hardware
from lens_core.training import networks
from lens_core.training.checkpoint import WEIGHTS
from lens_core.training.cost import plan
from lens_core.training.engine import Engine
from lens_core.training.finetune import FineTuning, Taught
from lens_core.training.learner import Learner
from lens_core.training.lesson import labels_of
from lens_core.training.losses.softmax import CosineSoftmax
from lens_core.training.mining import Pair
from lens_core.training.network import LensNet, make_backbone
from lens_core.training.train import train
from lens_core.training.validation import directions_of, embed_photos
from lens_core.training.views import OnDisk, keep_photos

PLAN = {"A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold")}, "B": {"ㄱ": ("tent", "teal")}}
STEPS = 3
"""Per epoch: 4 of 5 photos of 3 items are trained on, in batches of 4."""


@pytest.fixture(scope="module")
def photos(build_museum, tmp_path_factory):
    return scan(build_museum(tmp_path_factory.mktemp("tune") / "data", PLAN, photos=5))


@pytest.fixture(scope="module")
def tuning(tiny_settings):
    return attrs.evolve(
        tiny_settings, finetune="all", pretrained=False, weights=None, img_size=32, epochs=3, batch_size=4,
        lr=0.01, embedding_dim=8, loss="ce+arcface",
    )  # fmt: skip


@pytest.fixture(scope="module")
def uninterrupted(photos, tuning, tmp_path_factory):
    return train(tuning, photos, tmp_path_factory.mktemp("whole"))


def weights_of(run):
    return container.read(run.checkpoint)[WEIGHTS]


def stop_in_epoch(number):
    """A stage that is interrupted, as by Ctrl-C, in the middle of an epoch (counted from 0)."""

    def stage(title):
        def progress(done, total):
            if title == "Fine-tuning" and done > number * STEPS:
                raise KeyboardInterrupt

        return progress

    return stage


def first_step_of(settings, photos, folder):
    """The step at which fine-tuning begins, or goes on; it is stopped there."""
    began = []

    def stage(title):
        def progress(done, total):
            if title == "Fine-tuning":
                began.append(done)
                raise KeyboardInterrupt

        return progress

    with pytest.raises(KeyboardInterrupt):
        train(settings, photos, folder, stage=stage)
    return began[0]


@pytest.fixture
def interrupted(photos, tuning, tmp_path):
    """The folder of a run that was stopped in its second epoch."""
    with pytest.raises(KeyboardInterrupt):
        train(tuning, photos, tmp_path / "run", stage=stop_in_epoch(1))
    return tmp_path / "run"


def test_an_interrupted_run_goes_on_and_gives_the_same_model(photos, tuning, uninterrupted, interrupted):
    assert not (interrupted / "best.ckpt").exists()
    assert first_step_of(tuning, photos, interrupted) == STEPS  # the epoch that was finished is kept
    resumed = train(tuning, photos, interrupted)
    assert weights_of(resumed) == weights_of(uninterrupted)
    assert resumed.metrics == uninterrupted.metrics


def test_a_run_interrupted_in_its_first_epoch_begins_again(photos, tuning, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(tuning, photos, tmp_path, stage=stop_in_epoch(0))
    assert first_step_of(tuning, photos, tmp_path) == 0


def test_more_epochs_make_another_model(uninterrupted, photos, tuning, tmp_path):
    assert weights_of(train(attrs.evolve(tuning, epochs=1), photos, tmp_path)) != weights_of(uninterrupted)


@pytest.mark.parametrize(
    "changes",
    [{"lr": 0.001}, {"seed": 7}, {"embedding_dim": 16}, {"loss": "ce"}, {"epochs": 2}, {"img_size": 64}],
    ids=lambda changes: "another " + next(iter(changes)),
)
def test_other_settings_do_not_go_on_with_what_was_learned_before(changes, photos, tuning, interrupted):
    assert first_step_of(attrs.evolve(tuning, **changes), photos, interrupted) == 0


def test_other_photos_do_not_go_on_with_what_was_learned_before(tuning, build_museum, interrupted, tmp_path):
    more = scan(build_museum(tmp_path / "more", PLAN, photos=6))
    assert first_step_of(tuning, more, interrupted) == 0


def test_a_finished_run_can_be_done_again_with_more_photos(tuning, build_museum, tmp_path):
    short = attrs.evolve(tuning, epochs=1)
    train(short, scan(build_museum(tmp_path / "few", PLAN, photos=5)), tmp_path / "run")
    more = scan(build_museum(tmp_path / "more", PLAN, photos=6))
    assert first_step_of(short, more, tmp_path / "run") == 0


def test_a_damaged_state_is_thrown_away_and_training_starts_over(photos, tuning, interrupted, tmp_path):
    state = interrupted / "fine-tuning" / "measured" / "state"
    content = bytearray(state.read_bytes())
    content[len(content) // 2] ^= 1
    state.write_bytes(content)
    started_over = train(tuning, photos, interrupted)
    fresh = train(tuning, photos, tmp_path / "fresh")
    assert started_over.manifest.embedding_id == fresh.manifest.embedding_id


# --- what it leaves


def test_it_leaves_models_that_answer(uninterrupted, photos):
    folder = uninterrupted.checkpoint.parent
    for name in ("best", "best_top1", "best_auroc_reject", "last", "measured"):
        lens = Lens(folder / f"{name}.ckpt")
        result = lens.infer("A", photos.photos[0].path)
        assert {one.item for one in result.predictions} == {"ㄱ", "ㄴ"}
        assert lens.manifest.thresholds is not None
    assert not (folder / "fine-tuning").exists()


def test_its_figures_are_kept_pass_by_pass(uninterrupted):
    folder = uninterrupted.checkpoint.parent
    learning = json.loads((folder / "learning.json").read_text(encoding="utf-8"))
    passes, best = learning["passes"], learning["best"]
    assert [one["number"] for one in passes] == [1, 2, 3]
    assert passes[-1]["lr"] == 0
    assert passes[best["best_top1"] - 1]["top1"] == max(one["top1"] for one in passes)
    aurocs = [one["auroc_reject"] for one in passes]
    assert passes[best["best_auroc_reject"] - 1]["auroc_reject"] == max(aurocs)


def test_there_is_a_page_of_curves(uninterrupted):
    page = (uninterrupted.checkpoint.parent / "learning.html").read_text(encoding="utf-8")
    assert "사진 전체를 3번 중 3번 학습했습니다" in page
    assert "best_top1.ckpt" in page
    assert "<script" not in page


def test_the_curves_fit_below_round_ticks(uninterrupted):
    folder = uninterrupted.checkpoint.parent
    page = (folder / "learning.html").read_text(encoding="utf-8")
    passes = json.loads((folder / "learning.json").read_text(encoding="utf-8"))["passes"]
    ticks = re.findall(r'text-anchor="end">([\d.]+)<', page)
    of_losses, of_figures = ticks[:5], ticks[5:]
    assert of_figures == ["0", "0.25", "0.5", "0.75", "1"]
    assert float(of_losses[-1]) >= max(max(one["loss"], one["held_out_loss"]) for one in passes)
    assert all(len(tick.replace(".", "").strip("0")) <= 2 for tick in of_losses)


def test_every_pass_is_told(photos, tuning, tmp_path):
    told = []
    train(tuning, photos, tmp_path, tell=told.append)
    assert told[0].startswith("The backbone learns too, at 32 pixels, once to be measured and once from all ")
    assert "less than a minute" in told[0]
    passes = [f"Pass {number} of 3" for number in (1, 2, 3)]
    assert [line.partition(":")[0] for line in told[1:]] == 2 * passes
    assert "% right, AUROC" in told[3]


# --- stopped


def test_ctrl_c_leaves_a_model_that_answers_and_goes_on_later(photos, tuning, uninterrupted, tmp_path):
    def stage(title):
        def progress(done, total):
            if title == "Fine-tuning" and done == STEPS + 1:
                os.kill(os.getpid(), signal.SIGINT)

        return progress

    told = []
    with pytest.raises(KeyboardInterrupt):
        train(tuning, photos, tmp_path, stage=stage, tell=told.append)
    assert told[-1] == "Stopping after this step; once more stops at once."
    assert not (tmp_path / "best.ckpt").exists()
    assert Lens(tmp_path / "last.ckpt").infer("A", photos.photos[0].path).predictions
    assert first_step_of(tuning, photos, tmp_path) == STEPS + 1  # within a pass, too
    assert weights_of(train(tuning, photos, tmp_path)) == weights_of(uninterrupted)


def test_patience_ends_what_gets_no_better(photos, tuning, tmp_path):
    stuck = attrs.evolve(tuning, lr=1e-12, head_lr=1e-12, epochs=50, patience=2)
    train(stuck, photos, tmp_path)
    learning = json.loads((tmp_path / "learning.json").read_text(encoding="utf-8"))
    assert len(learning["passes"]) < 10
    assert learning["best"]["best"] == len(learning["passes"]) - 2


# --- where it begins


@pytest.mark.parametrize("published", [True, False])
def test_only_a_published_backbone_begins_under_heads_that_know_the_items(
    published, photos, tuning, random_weights, tmp_path
):
    settings = attrs.evolve(tuning, weights=str(random_weights) if published else None)
    net = LensNet(make_backbone(settings), settings.embedding_dim, 1)
    settings = plan(net, settings, len(photos.photos)).settings
    shown = keep_photos([photo.path for photo in photos.photos], net.preprocess, no_progress)
    taught = Taught(shown, labels_of(photos), len(photos.items))
    training = FineTuning(net, taught, settings, tmp_path, None)
    training.begin(silent)
    for learner in (training.engine.learner, training.engine.smoothed):
        named = embed_photos(learner, shown) @ directions_of(learner, shown, taught.labels).numpy().T
        assert (named.argmax(axis=1) == taught.labels).all() == published


# --- memory


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
    ids=["GPU", "CPU", "Python"],
)
def test_too_little_memory_ends_with_advice(error, photos, tuning, tmp_path, monkeypatch):
    def too_much(learner, images):
        raise error

    monkeypatch.setattr(Learner, "embed", too_much)
    with pytest.raises(
        NotEnoughMemoryError, match=r"4 photos of 32 pixels.*hardware\.micro_batch to 2"
    ) as told:
        train(tuning, photos, tmp_path)
    assert told.value.code == "E730"


def test_too_little_memory_for_a_loss_ends_with_advice(photos, tuning, tmp_path, monkeypatch):
    def too_much(loss, embeddings, labels):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(CosineSoftmax, "forward", too_much)
    with pytest.raises(NotEnoughMemoryError, match=r"Comparing 4 photos .*batch_size to 2"):
        train(tuning, photos, tmp_path)


def test_any_other_error_is_not_about_memory(photos, tuning, tmp_path, monkeypatch):
    def broken(learner, images):
        raise RuntimeError("a bug")

    monkeypatch.setattr(Learner, "embed", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        train(tuning, photos, tmp_path)


def test_photos_that_do_not_fit_into_memory_are_decoded_when_shown(
    photos, tuning, uninterrupted, tmp_path, monkeypatch
):
    monkeypatch.setattr("lens_core.training.views.MEMORY_SHARE", 0)
    decoded = []
    monkeypatch.setattr(OnDisk, "__getitem__", _noting(OnDisk.__getitem__, decoded))
    settings = attrs.evolve(tuning, hardware=attrs.evolve(tuning.hardware, workers=0))
    assert weights_of(train(settings, photos, tmp_path)) == weights_of(uninterrupted)
    assert len(decoded) > 3 * len(photos.photos)


def _noting(method, noted):
    def called(self, row):
        noted.append(row)
        return method(self, row)

    return called


# --- recipes


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "triplet"},
        {"balance": "items"},
        {"mixup": 0.4, "cutmix": 1.0},
        {"ema": 0.0},
        {"layer_decay": 0.7},
        {"finetune": "last"},
    ],
    ids=str,
)
def test_every_recipe_makes_a_model_that_answers(
    changes, photos, tuning, uninterrupted, random_weights, tmp_path
):
    if "finetune" in changes:  # first layers that stay must have learned something
        changes = changes | {"weights": str(random_weights)}
    run = train(attrs.evolve(tuning, **changes), photos, tmp_path)
    assert weights_of(run) != weights_of(uninterrupted)
    assert run.manifest.finetuned
    assert Lens(run.checkpoint).infer("A", photos.photos[0].path).predictions


@pytest.mark.parametrize("changes", [{"hardware": Hardware(micro_batch=1)}, {"batch_size": 2}])
def test_batchnorm_of_a_network_from_scratch_never_sees_one_photo_alone(changes, photos, tuning, tmp_path):
    """15 photos in batches of two, or one by one."""
    assert len(photos.photos) % 2
    train(attrs.evolve(tuning, epochs=1, **changes), photos, tmp_path)
    assert Lens(tmp_path / "best.ckpt").infer("A", photos.photos[0].path).predictions


def test_items_taken_for_each_other_are_dwelt_on(photos, tuning, uninterrupted, tmp_path, monkeypatch):
    monkeypatch.setattr("lens_core.training.mining.LEAST_SHARE", 0.01)
    mined, late = (
        train(attrs.evolve(tuning, mining_from=start), photos, tmp_path / str(start)) for start in (2, 4)
    )
    assert weights_of(mined) != weights_of(uninterrupted)
    assert weights_of(late) == weights_of(uninterrupted)  # there are three passes
    learning = json.loads((tmp_path / "2" / "learning.json").read_text(encoding="utf-8"))
    pairs = learning["passes"][0]["confused"]
    assert {(pair["first"], pair["second"]) for pair in pairs} == {(0, 1)}  # the two of one place


def test_the_model_to_use_dwells_on_what_the_measured_one_has_learned_to_tell_apart(
    photos, tuning, tmp_path, monkeypatch
):
    found = iter([Pair(0, 1, 0.4, 2), None])  # confused after the first pass, told apart after the second

    def confused(marks, labels):
        pair = next(found, None)
        return [pair] if pair else []

    given = []
    tell = networks.finetune

    def noting(*arguments, **more):
        given.append(more.get("dwell_on"))
        return tell(*arguments, **more)

    monkeypatch.setattr("lens_core.training.finetune.confused", confused)
    monkeypatch.setattr(networks, "finetune", noting)
    train(attrs.evolve(tuning, mining_from=2), photos, tmp_path)
    assert given == [None, [Pair(0, 1, 0.4, 2)]]


def test_items_of_few_photos_can_be_made_to_count_as_much(build_museum, tuning, tmp_path):
    data = build_museum(tmp_path / "data", PLAN, photos=5)
    build_museum(tmp_path / "more", {"A": {"ㄱ": PLAN["A"]["ㄱ"]}}, photos=12, first_seed=90)
    for number, path in enumerate(sorted((tmp_path / "more" / "A" / "ㄱ").iterdir())):
        path.rename(data / "A" / "ㄱ" / f"more_{number}.jpg")
    learned = {
        balance: weights_of(train(attrs.evolve(tuning, balance=balance), scan(data), tmp_path / balance))
        for balance in ("none", "items", "weights")
    }
    assert len(set(learned.values())) == 3


def test_gallery_views_stand_beside_their_photos(photos, tuning, tmp_path):
    run = train(attrs.evolve(tuning, gallery_views=3), photos, tmp_path)
    gallery = galleries.from_bytes(container.read(run.checkpoint)[galleries.NAME])
    labels = [(photo.place, photo.item) for photo in photos.photos]
    assert gallery.labels == tuple(sorted(4 * labels))
    of_items = [np.split(gallery.embeddings[start:end], 4) for start, end in pairwise(gallery.bounds)]
    own, views = (np.concatenate([parts[number] for parts in of_items]) for number in (0, 1))
    assert not np.allclose(own, views, atol=1e-3)
    others = np.roll(own, len(labels) // 2, axis=0)
    assert (own * views).sum(axis=1).mean() > (own * others).sum(axis=1).mean()


def test_photos_to_be_refused_that_show_exhibits_are_told_of_before_anything_is_learned(
    tuning, photos, tmp_path, monkeypatch
):
    monkeypatch.setattr(networks, "finetune", lambda *args, **options: pytest.fail("it learns"))
    strays = [StrayPhoto(photo.path, photo.path.name) for photo in photos.photos[:2]]
    with pytest.raises(ShowsExhibitError, match="2 of 2 photos that are to be refused show exhibits"):
        train(tuning, photos, tmp_path / "run", strays=strays)


def test_of_items_that_are_one_shot_each_nothing_is_held_out(tuning, build_museum, tmp_path):
    data = build_museum(tmp_path / "data", {"A": PLAN["A"]}, photos=5)
    for item in PLAN["A"]:
        for number in range(1, 5):
            shutil.copy(data / f"A/{item}/img_000.jpg", data / f"A/{item}/img_{number:03}.jpg")
    told = []
    settings = attrs.evolve(tuning, patience=1)
    train(settings, scan(data), tmp_path / "run", tell=told.append)
    assert any("mining_from and patience are without effect" in line for line in told)
    assert [line for line in told if line.startswith("Pass")][-1].startswith("Pass 3 of 3: loss ")
    assert not any("nan" in line for line in told)


def test_a_network_that_has_diverged_is_told_of_with_what_to_do(tuning, photos, tmp_path, monkeypatch):
    """In its only step of a pass, so that it shows when held-out photos are asked about."""
    step = Engine.step

    def too_far(self, images, labels):
        loss = step(self, images, labels)
        with torch.no_grad():
            self.learner.net.embed.weight.fill_(1e38)
        return loss

    monkeypatch.setattr(Engine, "step", too_far)
    with pytest.raises(BadSettingError, match="has diverged"):
        train(attrs.evolve(tuning, batch_size=64, ema=0.0), photos, tmp_path / "run")
