"""The contract of a tracker: lens_core.contracts.Tracker."""

from __future__ import annotations

import copy
import gc
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from lens_core.contracts import Tracker
from lens_core.testing.asking import files_in, no_native_output, same_bytes
from lens_core.testing.loading import PluginContract

# Nothing that could be a difficulty of its own.
SETTINGS = {"backbone": "vit_b16", "loss": "ce"}
FIGURES = {"loss": 0.5, "top1": 0.9}
FINAL = {"top1": 0.87, "auroc": 0.99}

ODD_SETTINGS: dict[str, Any] = {
    "nothing": None,
    "seed": 42,
    "lr": 3e-4,
    "pretrained": True,
    "empty": "",
    "no_places": [],
    "no_options": {},
    "korean": "청자 상감 매병",
    "lines": "one\ntwo\r\n\tthree",
    "marks": "<b>'100 %' & \"{0}\" \\ $HOME | `x` 😀",
    "long": "가" * 20_000,
    "nested": {
        "curation": {"remove": [{"photo": "A/ㄱ/img 1.jpg", "reason": None}], "도자실": [1, 2.5, False]}
    },
    "huge": 2**70,
    **{f"many.{number}": number for number in range(150)},
}
ODD_NAMES = (
    "top1",
    "top1/value",
    "unknown/ood/auroc",
    "places/도자실 (1층)/top1",
    "places/A & B: <100 %>/'x'",
    "places/../top1",
    "places//top1",
    "/top1/",
    "top1.value-low_95",
    "이름 " + "x" * 400,
)
RUNS = ("전시 1관", "a b & c' (2) [x] 100%", "50%25 #1; $HOME {0}", "-x", "é" * 120)


class TrackerContract(PluginContract):
    """Subclass it, set ``name``, and pytest does the rest."""

    family: ClassVar[str] = "tracker"

    # --- the usual course

    def test_a_training_is_tracked_to_its_end(self, tmp_path: Path) -> None:
        """start, log after each pass, conclude, close, in this order.

        If this fails, check that each method does with what the ones before it have left: conclude is not
        the end, close is.
        """
        self._track(tmp_path / "run")

    def test_a_training_without_passes_is_tracked(self, tmp_path: Path) -> None:
        """Heads on cached features learn in one go: log is never called.

        If this fails, check conclude and close for what only log makes.
        """
        self._track(tmp_path / "run", passes=())

    def test_there_may_be_no_figures(self, tmp_path: Path) -> None:
        """Without held-out photos hardly anything is known.

        If this fails, check for figures that are taken by name, and for means and maxima over nothing.
        """
        tracker = self._started(tmp_path / "run")
        tracker.log(1, {})
        tracker.conclude({})
        tracker.close("done")

    @pytest.mark.parametrize("passes", [(), (1, 2)], ids=["at once", "after two passes"])
    def test_a_stopped_training_is_closed(self, tmp_path: Path, passes: Sequence[int]) -> None:
        """By a mistake or by Ctrl-C: close("stopped") without conclude, maybe right after start.

        If this fails, check close for what only log or conclude makes, and for statuses it does not know.
        """
        self._track(tmp_path / "run", passes, status="stopped")

    def test_what_never_began_can_be_closed(self) -> None:
        """When start fails, close is called all the same.

        If this fails, check close for what only start makes.
        """
        self._made().close("stopped")

    # --- again

    def test_a_pass_may_be_told_again(self, tmp_path: Path) -> None:
        """A training that is resumed, or starts over, tells of passes that were told before.

        If this fails, check that steps need not rise.
        """
        self._track(tmp_path / "run", passes=(1, 2, 2, 3, 2, 1))

    @pytest.mark.parametrize("status", ["stopped", "done"])
    def test_a_training_may_go_on_in_its_folder(
        self, tmp_path: Path, status: Literal["done", "stopped"]
    ) -> None:
        """It was interrupted, or is done once more: another process, the same run and folder.

        If this fails, check for files that must not be there yet, and for reading back what was written.
        """
        self._track(tmp_path / "run", passes=(1, 2), status=status)
        self._track(tmp_path / "run", passes=(2, 3))
        self._track(tmp_path / "run", passes=(), settings={"backbone": "resnet50"})

    def test_two_trainings_do_not_mix(self, tmp_path: Path) -> None:
        """A program may train several models at a time, each with a tracker of its own.

        If this fails, check for state in the module or the class, and for global "current" runs of the
        library.
        """
        one, other = self._started(tmp_path / "one"), self._started(tmp_path / "other")
        one.log(1, dict(FIGURES))
        other.log(1, dict(FIGURES))
        one.conclude(dict(FINAL))
        one.close("done")
        other.log(2, dict(FIGURES))
        other.close("stopped")

    # --- what is told

    def test_settings_of_every_kind(self, tmp_path: Path) -> None:
        """None, lists, nested options, long texts, many settings, any letters.

        If this fails, check for values that are taken for text or numbers, for the library's limits (cut
        what is too long), and that files are opened with encoding="utf-8".
        """
        self._track(tmp_path / "run", settings=ODD_SETTINGS)

    @pytest.mark.parametrize("run", RUNS, ids=range(len(RUNS)))
    def test_a_run_may_have_any_name(self, tmp_path: Path, run: str) -> None:
        """A run is called like its folder.

        If this fails, check for names that become file names (longer ones), addresses or patterns without
        being quoted.
        """
        self._track(tmp_path / run)
        assert self.options or {path.name for path in tmp_path.iterdir()} <= {run}

    def test_a_figure_may_have_any_name(self, tmp_path: Path) -> None:
        """Names of figures hold slashes and the museum's own words.

        If this fails, check which names the library refuses, and replace what it does not take.
        """
        tracker = self._started(tmp_path / "run")
        for step, name in enumerate(ODD_NAMES, 1):
            tracker.log(step, {name: 0.5})
        tracker.conclude(dict.fromkeys(ODD_NAMES, 0.5))
        tracker.close("done")

    def test_a_figure_may_be_no_number(self, tmp_path: Path) -> None:
        """The loss of a training that went wrong is NaN or infinite.

        If this fails, check for rounding, formatting and comparing such figures; leave them out where the
        library refuses them.
        """
        tracker = self._started(tmp_path / "run")
        for step, value in enumerate((math.nan, math.inf, -math.inf), 1):
            tracker.log(step, {"loss": value})
        tracker.conclude({"top1": math.nan})
        tracker.close("done")

    def test_what_is_passed_in_is_not_changed(self, tmp_path: Path) -> None:
        """Other trackers are told the same after this one.

        If this fails, check for pop, update and del on settings and figures: work on a copy.
        """
        given = copy.deepcopy([ODD_SETTINGS, FIGURES, FINAL])
        tracker = self._made()
        tracker.start("run", given[0], tmp_path)
        tracker.log(1, given[1])
        tracker.conclude(given[2])
        tracker.close("done")
        assert given == [ODD_SETTINGS, FIGURES, FINAL]

    # --- what it leaves

    def test_files_stay_in_the_folder_of_the_run(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Unless options say otherwise; the folder may have to be made, and its path may be relative.

        If this fails, check for files in the current folder, beside that of the run, or under one's home,
        and that the folder is made where it is missing.
        """
        if self.options:
            return
        for name in ("HOME", "USERPROFILE"):
            monkeypatch.setenv(name, str(tmp_path / "home"))
        monkeypatch.chdir(tmp_path)
        tracker = self._made()
        tracker.start("run", dict(SETTINGS), Path("runs") / "run")
        tracker.log(1, dict(FIGURES))
        tracker.close("done")
        own = tmp_path / "runs" / "run"
        others = {path for path in tmp_path.rglob("*") if own not in (path, *path.parents)}
        assert others <= {own.parent}, f"outside the folder of the run: {sorted(map(str, others))}"

    def test_what_was_told_is_safe_after_close(self, tmp_path: Path) -> None:
        """Nothing is written later: the process may end without a farewell.

        If this fails, check that close writes what is kept back and closes every file.
        """
        tracker = self._track(tmp_path / "run")
        before = files_in(tmp_path)
        del tracker
        gc.collect()  # closes files that were left open
        same_bytes(files_in(tmp_path), before)

    def test_nothing_is_printed(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """stdout carries results and nothing else.

        If this fails, check for what the library prints.
        """
        capfd.readouterr()
        self._track(tmp_path / "run")
        no_native_output(capfd)

    # --- helpers

    def product(self) -> Tracker:
        tracker: Tracker = self.once("product", self._made)
        return tracker

    def _made(self) -> Tracker:
        tracker: Tracker = self.make()
        return tracker

    def _started(self, folder: Path, settings: Mapping[str, Any] = SETTINGS) -> Tracker:
        folder.mkdir(exist_ok=True)
        tracker = self._made()
        tracker.start(folder.name, copy.deepcopy(dict(settings)), folder)
        return tracker

    def _track(
        self,
        folder: Path,
        passes: Sequence[int] = (1, 2, 3),
        *,
        settings: Mapping[str, Any] = SETTINGS,
        status: Literal["done", "stopped"] = "done",
    ) -> Tracker:
        """A whole training, from start to close."""
        tracker = self._started(folder, settings)
        for step in passes:
            tracker.log(step, dict(FIGURES))
        if status == "done":
            tracker.conclude(dict(FINAL))
        tracker.close(status)
        return tracker
