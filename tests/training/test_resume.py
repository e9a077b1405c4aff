"""Going on with a run that was stopped: as somebody at a keyboard meets it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from ai_lens_helper import Lens
from lens_core.artifacts import container, manifest, runs
from lens_core.errors import CannotWriteError
from lens_core.training import desk
from lens_core.training import finetune as module
from lens_core.training.checkpoint import WEIGHTS, embedding_id, weights_of
from lens_core.training.experiment import Subject
from lens_core.training.finetune import FineTuning

PLAN = {"A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold")}, "B": {"ㄱ": ("tent", "teal")}}
STARTING_OVER = (
    "What was learned here before is damaged, or of other photos, weights or settings: starting over."
)
STEPS = 3
"""Of a pass."""
PASSES = 4
CONFIG = {
    "backbone": "timm:test_resnet", "img_size": 32, "embedding_dim": 8, "epochs": PASSES, "batch_size": 5,
    "finetune": "all", "lang": "en", "min_images": 2,
    "loss_options": {"arcface": {"margin": 0.5}},
}  # fmt: skip


@pytest.fixture
def train(ai_lens, build_museum, random_weights, tmp_path, monkeypatch):
    """``train(*more)``: in a folder of its own, by settings that no flag of the command line can say."""
    monkeypatch.chdir(tmp_path)
    build_museum(tmp_path / "data", PLAN, photos=5)
    (tmp_path / "settings.yaml").write_text(json.dumps(CONFIG | {"weights": str(random_weights)}))
    return lambda *more: ai_lens("train", "--data-root", "data", "--config", "settings.yaml", *more)


@pytest.fixture
def steps(monkeypatch):
    """How many steps of learning have been taken since the list was cleared."""
    taken = []
    step = module.Engine.step

    def noted(*arguments):
        taken.append(step(*arguments))
        return taken[-1]

    monkeypatch.setattr(module.Engine, "step", noted)
    return taken


def stopped(train, monkeypatch, error, *more, measured=True):
    """Stopped after the second pass of the network that is measured, or of the one that is used."""
    save = FineTuning.save

    def save_and_fail(self):
        save(self)
        if len(self.passes) == 2 and (self.held_out is not None) == measured:
            raise error

    with monkeypatch.context() as patch:
        patch.setattr(FineTuning, "save", save_and_fail)
        return train(*more)


def weights_in(folder):
    return container.read(folder / runs.CHECKPOINT)[WEIGHTS]


def test_a_resumed_run_has_all_settings_it_began_with(train, ai_lens, tmp_path, monkeypatch):
    assert train("--save-dir", "whole").status == 0
    assert stopped(train, monkeypatch, KeyboardInterrupt, "--save-dir", "run").status == 130
    resumed = ai_lens("train", "--resume", "run")
    assert resumed.status == 0
    assert "Going on in pass 3" in resumed.err
    assert runs.read(tmp_path / "run").settings["loss_options"] == {"arcface": {"margin": 0.5}}
    assert weights_in(tmp_path / "run") == weights_in(tmp_path / "whole")


def test_the_same_command_goes_on_where_it_stopped(train, tmp_path, monkeypatch, steps):
    assert stopped(train, monkeypatch, KeyboardInterrupt).status == 130
    (run,) = (tmp_path / "runs").iterdir()
    steps.clear()
    again = train()
    assert again.status == 0
    assert f"Going on with the unfinished run in {run.relative_to(tmp_path)}" in again.err
    assert len(steps) == (2 + PASSES) * STEPS  # two passes were done
    assert list((tmp_path / "runs").iterdir()) == [run]


def test_other_commands_and_complete_runs_begin_a_run_of_their_own(train, tmp_path, monkeypatch):
    assert stopped(train, monkeypatch, KeyboardInterrupt).status == 130
    for more in (("--seed", "7"), ("--place", "A"), ("--seed", "7")):
        assert "Going on" not in train(*more).err
    assert len(list((tmp_path / "runs").iterdir())) == 4


def test_a_full_disk_does_not_lose_what_was_learned(train, ai_lens, tmp_path, monkeypatch, steps):
    full = CannotWriteError("The output cannot be written: No space left on device.")
    assert stopped(train, monkeypatch, full, "--save-dir", "run").status == full.exit_status
    assert runs.read(tmp_path / "run").state == "unfinished"
    steps.clear()
    assert ai_lens("train", "--resume", "run").status == 0
    assert len(steps) == (2 + PASSES) * STEPS


def test_who_is_told_makes_no_other_training(train, ai_lens, tmp_path, monkeypatch, steps):
    assert stopped(train, monkeypatch, KeyboardInterrupt, "--save-dir", "run").status == 130
    steps.clear()
    assert ai_lens("train", "--resume", "run", "--min-images", 3).status == 0
    assert len(steps) == (2 + PASSES) * STEPS


def test_another_training_says_that_it_starts_over(train, monkeypatch):
    assert stopped(train, monkeypatch, KeyboardInterrupt, "--save-dir", "run").status == 130
    told = train("--save-dir", "run", "--lr", "0.01").err
    assert STARTING_OVER in told


def test_settings_that_would_do_nothing_are_named(train):
    told = train("--save-dir", "run", "--finetune", "none", "--mining-from", 2, "--patience", 3).err
    assert "warning: without effect where the backbone does not learn: patience, mining_from" in told


def test_a_backbone_that_would_take_too_long_is_told_of(train, monkeypatch):
    monkeypatch.setattr("lens_core.training.cost.LONGEST", 0)
    told = train("--save-dir", "run", "--finetune", "auto").err
    assert "The backbone stays as it was published. Looking at the photos takes less than a minute" in told
    assert "If it learned, too: less than a minute." in told


def test_other_weights_of_the_same_name_are_another_training(train, random_weights, tmp_path, monkeypatch):
    """Every download from a hub is called model.safetensors."""
    tensors = safetensors.numpy.load(random_weights.read_bytes())
    for folder, factor in (("a", 1), ("b", 0.5)):
        (tmp_path / folder).mkdir()
        scaled = {name: np.asarray(tensor * factor, tensor.dtype) for name, tensor in tensors.items()}
        safetensors.numpy.save_file(scaled, tmp_path / folder / "model.safetensors")
    asked = ("--save-dir", "run", "--weights")
    assert stopped(train, monkeypatch, KeyboardInterrupt, *asked, "a/model.safetensors").status == 130
    told = train(*asked, "b/model.safetensors").err
    assert STARTING_OVER in told


def test_a_resumed_run_tells_how_it_was_started(train, ai_lens, tmp_path, monkeypatch):
    assert stopped(train, monkeypatch, KeyboardInterrupt, "--save-dir", "run").status == 130
    begun = runs.read(tmp_path / "run")
    assert ai_lens("train", "--resume", "run").status == 0
    record = runs.read(tmp_path / "run")
    assert (record.origin, record.seconds, record.state) == (begun.origin, None, "done")
    path = tmp_path / "run" / runs.CHECKPOINT
    told = manifest.from_documents(container.read(path), path).provenance
    assert told["command"] == "ai-lens train --data-root data --config settings.yaml --save-dir run"


def test_a_run_is_resumed_and_repeated_from_anywhere(train, ai_lens, random_weights, tmp_path, monkeypatch):
    shutil.copy(random_weights, tmp_path / "tiny.safetensors")
    monkeypatch.setenv("AI_LENS_STRIP_PII", "true")
    asked = ("--save-dir", "run", "--weights", "tiny.safetensors")
    assert stopped(train, monkeypatch, KeyboardInterrupt, *asked).status == 130
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    done = ai_lens("train", "--resume", "../run")
    assert done.status == 0, done.err
    assert "Going on in pass 3" in done.err
    assert runs.read(tmp_path / "run").settings["weights"] == "tiny.safetensors"


def test_settings_in_front_of_the_command_win_over_those_of_the_run(train, ai_lens, tmp_path, monkeypatch):
    assert stopped(train, monkeypatch, KeyboardInterrupt, "--save-dir", "run").status == 130
    assert ai_lens("--loss", "ce", "train", "--resume", "run").status == 2  # options of arcface are left
    other = ai_lens("--backbone", "timm:test_vit", "train", "--resume", "run")
    assert "does not fit" in other.failed(4, "E200")  # its weights are of another network


def test_a_run_is_resumed_in_its_own_folder(train, ai_lens, monkeypatch):
    assert stopped(train, monkeypatch, KeyboardInterrupt, "--save-dir", "run").status == 130
    done = ai_lens("train", "--resume", "run", "--save-dir", "other")
    assert (done.status, "Leave out --save-dir" in done.err) == (2, True)


def test_options_of_a_tracker_that_was_not_chosen_are_refused(train):
    done = train("--save-dir", "run", "--tracker-option", "tensorbord.folder=x")
    assert (done.status, "'tensorbord' is not among the trackers" in done.err) == (2, True)


def test_a_settings_file_is_not_passed_over_when_a_run_is_resumed(train, ai_lens, monkeypatch):
    assert stopped(train, monkeypatch, KeyboardInterrupt, "--save-dir", "run").status == 130
    done = ai_lens("train", "--resume", "run", "--config", "settings.yaml")
    assert (done.status, "Leave out --config" in done.err) == (2, True)


def test_a_resumed_run_gets_the_version_and_the_export_it_was_to_have(train, ai_lens, tmp_path, monkeypatch):
    asked = ("--save-dir", "run", "--model-version", "7.0.0", "--export-onnx")
    assert stopped(train, monkeypatch, KeyboardInterrupt, *asked).status == 130
    assert ai_lens("train", "--resume", "run").status == 0
    path = tmp_path / "run" / "best.onnx"
    assert Lens(path).manifest.model_version == "7.0.0"


def test_a_model_that_was_there_before_keeps_its_papers_until_it_is_replaced(
    train, ai_lens, tmp_path, monkeypatch
):
    assert train("--save-dir", "runs/a").status == 0
    model = (tmp_path / "runs" / "a" / runs.CHECKPOINT).read_bytes()
    asked = ("--save-dir", "runs/a", "--seed", "7")
    assert stopped(train, monkeypatch, KeyboardInterrupt, *asked).status == 130
    assert (tmp_path / "runs" / "a" / runs.CHECKPOINT).read_bytes() == model
    assert runs.read(tmp_path / "runs" / "a").settings["seed"] == 42
    assert ai_lens("runs").out.splitlines()[3].split()[:2] == ["a", "1.0.0"]
    assert ai_lens("train", "--resume", "runs/a").status == 0
    assert runs.read(tmp_path / "runs" / "a").settings["seed"] == 7
    assert runs.begun(tmp_path / "runs" / "a") is None


def test_a_model_is_measured_on_its_own_network_while_another_is_trained_in_its_folder(
    train, ai_lens, tmp_path, monkeypatch
):
    assert train("--save-dir", "runs/a").status == 0
    before = Subject.of_checkpoint(tmp_path / "runs" / "a" / runs.CHECKPOINT)
    asked = ("--save-dir", "runs/a", "--seed", "7")
    assert stopped(train, monkeypatch, KeyboardInterrupt, *asked, measured=False).status == 130
    after = Subject.of_checkpoint(tmp_path / "runs" / "a" / runs.CHECKPOINT)
    assert embedding_id(weights_of(after.net)) == embedding_id(weights_of(before.net))
    assert ai_lens("train", "--resume", "runs/a").status == 0
    replaced = Subject.of_checkpoint(tmp_path / "runs" / "a" / runs.CHECKPOINT)
    assert embedding_id(weights_of(replaced.net)) != embedding_id(weights_of(before.net))


def test_a_model_whose_own_network_could_not_be_written_is_not_measured_on_another(
    train, ai_lens, tmp_path, monkeypatch
):
    assert train("--save-dir", "run").status == 0
    write = desk.atomic_write

    def full_disk(path, content):
        if path == Path("run") / "measured.ckpt":
            raise CannotWriteError(f"{path} cannot be written: No space left on device.")
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(desk, "atomic_write", full_disk)
        assert "E700" in train("--save-dir", "run", "--seed", "7").err
    asked = ("evaluate", "--model", tmp_path / "run" / runs.CHECKPOINT, "--data-root", "data")
    assert "is of another training than" in ai_lens(*asked).err
    assert ai_lens("train", "--resume", "run").status == 0
    assert Subject.of_checkpoint(tmp_path / "run" / runs.CHECKPOINT).finetuned


def test_a_model_is_not_measured_on_the_network_of_another_training(train, ai_lens, tmp_path):
    for seed in ("7", "8"):
        assert train("--save-dir", seed, "--seed", seed).status == 0
    shutil.copy(tmp_path / "8" / "measured.ckpt", tmp_path / "7" / "measured.ckpt")
    done = ai_lens("evaluate", "--model", tmp_path / "7" / runs.CHECKPOINT, "--data-root", "data")
    assert (done.status, "measured.ckpt is of another training than" in done.err) == (4, True)


def test_what_was_left_to_the_machine_stays_decided(train, ai_lens, tmp_path, monkeypatch):
    asked = ("--save-dir", "run", "--finetune", "auto")
    assert stopped(train, monkeypatch, KeyboardInterrupt, *asked).status == 130
    monkeypatch.setattr("lens_core.training.cost.LONGEST", 0)  # a slower machine
    shutil.move(tmp_path / "data", tmp_path / "moved")
    resumed = ai_lens("train", "--resume", "run", "--data-root", "moved")
    assert "Going on in pass 3" in resumed.err
    assert runs.read(tmp_path / "run").settings["finetune"] == "auto"
    again = ai_lens("reproduce", "run")
    assert (again.status, again.out) == (0, "The same model, byte for byte.\n")


def test_what_was_learned_is_not_thrown_away_in_silence(train, ai_lens, monkeypatch):
    assert stopped(train, monkeypatch, KeyboardInterrupt, "--save-dir", "run").status == 130
    assert STARTING_OVER in ai_lens("train", "--resume", "run", "--finetune", "none").err


def test_other_photos_to_be_refused_make_another_training(
    train, ai_lens, build_museum, tmp_path, monkeypatch
):
    """What is best, and when patience ends, comes from photos that were asked in every pass."""
    assert stopped(train, monkeypatch, KeyboardInterrupt, "--save-dir", "run").status == 130
    build_museum(tmp_path / "walls", {"A": {"wall": ("disc", "gray")}}, photos=3, first_seed=70)
    done = ai_lens("train", "--resume", "run", "--ood", tmp_path / "walls" / "A" / "wall")
    assert (done.status, STARTING_OVER in done.err) == (0, True)


def test_the_environment_does_not_complete_the_settings_of_a_run(train, ai_lens, tmp_path, monkeypatch):
    assert stopped(train, monkeypatch, KeyboardInterrupt, "--save-dir", "run").status == 130
    monkeypatch.setenv("AI_LENS_PATIENCE", "1")
    assert "Going on in pass 3" in ai_lens("train", "--resume", "run").err
    assert runs.read(tmp_path / "run").settings["patience"] is None


@pytest.mark.parametrize("name", ["state", "best_top1.weights"])
def test_what_is_kept_and_damaged_is_learned_anew(train, ai_lens, tmp_path, monkeypatch, name):
    assert stopped(train, monkeypatch, KeyboardInterrupt, "--save-dir", "run").status == 130
    path = tmp_path / "run" / runs.TUNING / "measured" / name
    path.write_bytes(path.read_bytes()[:-9])
    done = ai_lens("train", "--resume", "run")
    assert (done.status, STARTING_OVER in done.err) == (0, True)


def test_settings_of_another_ai_lens_are_named(train, ai_lens, tmp_path, monkeypatch):
    assert stopped(train, monkeypatch, KeyboardInterrupt, "--save-dir", "run").status == 130
    path = tmp_path / "run" / runs.BEGUN
    path.write_text(path.read_text().replace('"lr"', '"lrr"'))
    done = ai_lens("train", "--resume", "run")
    assert "settings that this ai-lens does not know: lrr" in done.failed(4, "E250")


def test_wrong_descriptions_are_told_of_before_anything_is_learned(train, tmp_path, steps):
    (tmp_path / "data" / "metadata.json").write_text('{"A": "x"}')
    assert train("--save-dir", "run").status == 3
    assert steps == []
    assert not (tmp_path / "run").exists()


def test_frozen_heads_leave_no_snapshots_of_a_network_that_learned(train, tmp_path):
    assert train("--save-dir", "run").status == 0
    assert (tmp_path / "run" / "measured.ckpt").exists()
    assert train("--save-dir", "run", "--finetune", "none").status == 0
    assert {path.name for path in (tmp_path / "run").glob("*.ckpt")} == {"best.ckpt"}
    assert not (tmp_path / "run" / "learning.html").exists()
