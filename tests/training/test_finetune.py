"""Fine-tuning: stopped and gone on with, it ends where it would have ended."""

import attrs
import pytest

from lens_core.artifacts import container
from lens_core.photos.layout import scan
from lens_core.training.checkpoint import WEIGHTS
from lens_core.training.finetune import warm_up_then_cosine
from lens_core.training.train import train

PLAN = {"A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold")}, "B": {"ㄱ": ("tent", "teal")}}
STEPS = 3
"""Per epoch: 4 of 5 photos of 3 items are trained on, in batches of 4."""


@pytest.fixture(scope="module")
def photos(build_museum, tmp_path_factory):
    return scan(build_museum(tmp_path_factory.mktemp("tune") / "data", PLAN, photos=5))


@pytest.fixture(scope="module")
def tuning(tiny_settings):
    return attrs.evolve(
        tiny_settings, finetune=True, pretrained=False, weights=None, img_size=32, epochs=3, batch_size=4,
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
    (state,) = interrupted.glob("*.state")
    content = bytearray(state.read_bytes())
    content[len(content) // 2] ^= 1
    state.write_bytes(content)
    started_over = train(tuning, photos, interrupted)
    fresh = train(tuning, photos, tmp_path / "fresh")
    assert started_over.manifest.embedding_id == fresh.manifest.embedding_id


def test_the_learning_rate_rises_then_falls_to_nothing():
    shares = [warm_up_then_cosine(step, 100) for step in range(101)]
    assert max(shares) == shares[10] == 1
    assert shares[:10] == sorted(shares[:10])
    assert shares[10:] == sorted(shares[10:], reverse=True)
    assert 0 < shares[0] <= 0.1
    assert shares[100] == pytest.approx(0, abs=1e-9)
