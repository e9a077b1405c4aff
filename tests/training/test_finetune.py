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
        tiny_settings, finetune=True, pretrained=False, weights=None, img_size=32, epochs=3, batch_size=4, lr=0.01,
        embedding_dim=8, loss="ce+arcface",
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


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_an_interrupted_run_goes_on_and_gives_the_same_model(epoch, photos, tuning, uninterrupted, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(tuning, photos, tmp_path, stage=stop_in_epoch(epoch))
    assert not (tmp_path / "best.ckpt").exists()
    began = []

    def stage(title):
        return lambda done, total: began.append((done, total)) if title == "Fine-tuning" else None

    resumed = train(tuning, photos, tmp_path, stage=stage)
    assert began[0] == (epoch * STEPS, 3 * STEPS)  # whole epochs are kept, the one begun is done again
    assert weights_of(resumed) == weights_of(uninterrupted)
    assert resumed.metrics == uninterrupted.metrics


def test_the_backbone_has_learned(uninterrupted, photos, tuning, tmp_path):
    longer = train(attrs.evolve(tuning, epochs=1), photos, tmp_path)
    assert weights_of(longer) != weights_of(uninterrupted)


@pytest.mark.parametrize(
    "changes",
    [{"lr": 0.001}, {"seed": 7}, {"embedding_dim": 16}, {"loss": "ce"}, {"epochs": 2}],
    ids=lambda changes: "another " + next(iter(changes)),
)
def test_other_settings_in_the_same_folder_are_not_mixed_with_what_was_learned_before(
    changes, photos, tuning, tmp_path
):
    with pytest.raises(KeyboardInterrupt):
        train(tuning, photos, tmp_path / "used", stage=stop_in_epoch(2))
    other = attrs.evolve(tuning, **changes)
    assert weights_of(train(other, photos, tmp_path / "used")) == weights_of(train(other, photos, tmp_path / "new"))


def test_photos_added_after_a_finished_run_are_learned(photos, tuning, build_museum, tmp_path):
    data = build_museum(tmp_path / "data", PLAN, photos=5)
    train(tuning, scan(data), tmp_path / "used")
    build_museum(tmp_path / "more", PLAN, photos=2, first_seed=500)
    for path in (tmp_path / "more").rglob("*.jpg"):
        path.rename(data / path.parent.relative_to(tmp_path / "more") / f"more_{path.name}")
    again, fresh = (train(tuning, scan(data), tmp_path / folder) for folder in ("used", "new"))
    assert weights_of(again) == weights_of(fresh)


def test_a_damaged_state_is_not_gone_on_with_silently(photos, tuning, tmp_path):
    from lens_core.errors import ArtifactError

    with pytest.raises(KeyboardInterrupt):
        train(tuning, photos, tmp_path, stage=stop_in_epoch(1))
    (state,) = tmp_path.glob("*.state")
    content = bytearray(state.read_bytes())
    content[len(content) // 2] ^= 1
    state.write_bytes(content)
    with pytest.raises(ArtifactError, match=str(state)):
        train(tuning, photos, tmp_path)


def test_the_learning_rate_rises_then_falls_to_nothing():
    shares = [warm_up_then_cosine(step, 100) for step in range(101)]
    assert max(shares) == shares[10] == 1
    assert shares[:10] == sorted(shares[:10])
    assert shares[10:] == sorted(shares[10:], reverse=True)
    assert 0 < shares[0] <= 0.1
    assert shares[100] == pytest.approx(0, abs=1e-9)
