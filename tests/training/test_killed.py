"""Killed without warning, again and again, training ends with the very model it would have made."""

import contextlib
import multiprocessing
import os
import random
import signal
import sys
import time

import attrs
import pytest

from lens_core.artifacts import container
from lens_core.photos.layout import scan
from lens_core.settings import Augment, Hardware
from lens_core.training.checkpoint import WEIGHTS

PLAN = {"A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold")}, "B": {"ㄱ": ("tent", "teal")}}
KILLS = 20

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")


@pytest.fixture(scope="module")
def processes():
    """Processes that begin with everything imported: only training takes their time."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lens_core.training.train", "ai_lens_timm.backbone"])
    return context


@pytest.fixture(scope="module")
def photos(build_museum, tmp_path_factory):
    return scan(build_museum(tmp_path_factory.mktemp("killed") / "data", PLAN, photos=5))


@pytest.fixture(scope="module")
def settings(tiny_settings):
    return attrs.evolve(
        tiny_settings,
        finetune="all",
        img_size=32,
        epochs=8,
        batch_size=4,
        embedding_dim=8,
        loss="ce+arcface",
        mixup=0.2,
        mining_from=2,
        augment=Augment(glare=True),
        hardware=Hardware(workers=0),
    )


def train_in(folder, settings, photos):
    import torch

    from lens_core.training import finetune
    from lens_core.training.train import train

    torch.set_num_threads(2)  # as users have them
    finetune.SAVE_EVERY = 0  # after every step, so that kills fall into and between all of them
    train(settings, photos, folder)


def weights_of(folder, name):
    return container.read(folder / f"{name}.ckpt")[WEIGHTS]


def test_killed_at_20_random_moments_it_makes_the_same_model(processes, settings, photos, tmp_path):
    whole = processes.Process(target=train_in, args=(tmp_path / "whole", settings, photos))
    whole.start()
    whole.join()
    assert whole.exitcode == 0

    moments = random.Random(6)  # noqa: S311
    folder, killed = tmp_path / "killed", 0
    while not (folder / "best.ckpt").exists():
        child = processes.Process(target=train_in, args=(folder, settings, photos))
        child.start()
        if killed < KILLS:
            _wait_for_steps(moments.randint(0, 3), folder, child)
            child.join(moments.uniform(0, 0.05))
            if child.is_alive():
                os.kill(child.pid, signal.SIGKILL)
                killed += 1
        child.join()
    assert killed == KILLS
    assert not (folder / "fine-tuning").exists()
    for name in ("best", "measured", "last", "best_top1", "best_auroc_reject"):
        assert weights_of(folder, name) == weights_of(tmp_path / "whole", name), name
    learning = [(run / "learning.json").read_bytes() for run in (folder, tmp_path / "whole")]
    assert learning[0] == learning[1]


def _wait_for_steps(count, folder, child):
    """Until it has kept so many states more."""
    states = [folder / "fine-tuning" / name / "state" for name in ("measured", "all")]
    seen = {_time_of(state) for state in states}
    until = len(seen) + count
    while len(seen) < until and child.is_alive():
        seen |= {_time_of(state) for state in states}
        time.sleep(0.002)


def _time_of(state):
    with contextlib.suppress(FileNotFoundError):
        return state, state.stat().st_mtime_ns
    return state, None
