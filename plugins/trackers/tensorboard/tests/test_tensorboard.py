"""What TensorBoard shows, read as TensorBoard reads it."""

import math

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lens_core import plugins
from lens_core.errors import BadSettingError, CannotWriteError

SETTINGS = {"seed": 42, "weights": None, "places": ["전시 1관"], "reject.threshold": 0.62}
FINAL = {"top1/value": 0.75, "unknown/ood/auroc": 0.5}


def track(run_folder, losses, final=None, settings=SETTINGS, **options):
    """Tell of a training: ``losses`` by pass; without final figures it was stopped."""
    tracker = plugins.make("tracker", "tensorboard", options)
    tracker.start("first", settings, run_folder)
    for step, loss in losses:
        tracker.log(step, {"loss": loss})
    if final is not None:
        tracker.conclude(final)
    tracker.close("stopped" if final is None else "done")


def shown(folder):
    """{name: [(step, value)]} of all curves."""
    events = EventAccumulator(str(folder)).Reload()
    curves = {name: events.Scalars(name) for name in events.Tags()["scalars"]}
    return {name: [(one.step, one.value) for one in curve] for name, curve in curves.items() if curve}


def settings_in(folder):
    """[(step, text)]."""
    events = EventAccumulator(str(folder)).Reload().Tensors("settings/text_summary")
    return [(one.step, one.tensor_proto.string_val[0].decode()) for one in events]


def test_curves_final_figures_and_settings_are_shown(tmp_path):
    track(tmp_path, [(1, 2.0), (2, 0.5)], FINAL)
    assert shown(tmp_path / "tensorboard") == {
        "loss": [(1, 2.0), (2, 0.5)],
        "final/top1/value": [(2, 0.75)],
        "final/unknown/ood/auroc": [(2, 0.5)],
    }
    ((step, text),) = settings_in(tmp_path / "tensorboard")
    assert step == 0
    assert all(line.startswith("    ") for line in text.splitlines()), "Markdown shows it letter by letter"
    assert '"reject.threshold": 0.62' in text
    assert "전시 1관" in text


def test_each_pass_is_there_to_be_seen_at_once(tmp_path):
    tracker = plugins.make("tracker", "tensorboard", {})
    tracker.start("first", SETTINGS, tmp_path)
    assert settings_in(tmp_path / "tensorboard")
    tracker.log(1, {"loss": 2.0, "lr": 0.25})
    assert shown(tmp_path / "tensorboard") == {"loss": [(1, 2.0)], "lr": [(1, 0.25)]}
    tracker.close("stopped")


def test_a_resumed_training_goes_on_with_its_curve(tmp_path):
    track(tmp_path, [(1, 3.0), (2, 2.0)])
    track(tmp_path, [(3, 1.0)], FINAL)
    assert shown(tmp_path / "tensorboard")["loss"] == [(1, 3.0), (2, 2.0), (3, 1.0)]


def test_a_pass_that_is_told_again_is_one_point(tmp_path):
    track(tmp_path, [(1, 4.0), (2, 3.0)])
    track(tmp_path, [(2, 2.0), (3, 1.0), (3, 0.5)], FINAL)
    assert shown(tmp_path / "tensorboard")["loss"] == [(1, 4.0), (2, 2.0), (3, 0.5)]


def test_a_training_that_was_interrupted_after_its_last_pass_keeps_its_curve(tmp_path):
    track(tmp_path, [(1, 4.0), (2, 3.0)])
    track(tmp_path, [], FINAL)
    assert shown(tmp_path / "tensorboard")["loss"] == [(1, 4.0), (2, 3.0)]
    assert shown(tmp_path / "tensorboard")["final/top1/value"] == [(2, 0.75)]


@pytest.mark.parametrize("final", [None, FINAL], ids=["interrupted", "complete"])
def test_a_training_that_starts_over_takes_the_place_of_the_one_before(tmp_path, final):
    track(tmp_path, [(1, 4.0), (2, 3.0)], final)
    track(tmp_path, [(1, 2.0)], {"top1/value": 1.0}, {"seed": 43})
    assert shown(tmp_path / "tensorboard") == {"loss": [(1, 2.0)], "final/top1/value": [(1, 1.0)]}
    assert '"seed": 43' in settings_in(tmp_path / "tensorboard")[-1][1]


def test_an_interrupted_training_goes_on_though_another_was_complete_there(tmp_path):
    track(tmp_path, [(1, 9.0), (2, 8.0)], FINAL)
    track(tmp_path, [(1, 4.0)])
    track(tmp_path, [(2, 3.0)])
    assert shown(tmp_path / "tensorboard") == {"loss": [(1, 4.0), (2, 3.0)]}


def test_so_does_one_that_has_no_passes(tmp_path):
    track(tmp_path, [(1, 4.0), (2, 3.0)], FINAL)
    track(tmp_path, [], {"top1/value": 1.0})
    assert shown(tmp_path / "tensorboard") == {"final/top1/value": [(0, 1.0)]}


def test_a_training_that_went_wrong_shows_where(tmp_path):
    track(tmp_path, [(1, 4.0), (2, math.nan)])
    assert [math.isnan(value) for _, value in shown(tmp_path / "tensorboard")["loss"]] == [False, True]


def test_many_runs_in_a_folder_of_choice(tmp_path):
    track(tmp_path / "run", [(1, 4.0)], folder=str(tmp_path / "곡선"))
    assert shown(tmp_path / "곡선" / "first") == {"loss": [(1, 4.0)]}
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_one(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWriteError, match="E700"):
        track(tmp_path, [], folder=str(tmp_path / "file"))


def test_an_option_that_is_not_there():
    with pytest.raises(BadSettingError, match=r"no option 'foldr'\..*Did you mean 'folder'\?"):
        plugins.make("tracker", "tensorboard", {"foldr": "x"})
