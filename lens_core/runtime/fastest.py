"""A folder that holds one model in several files: the one that answers fastest here is opened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import define, field, frozen

from lens_core import plugins
from lens_core.artifacts import manifest as manifests
from lens_core.artifacts.manifest import Manifest
from lens_core.contracts import Runtime
from lens_core.errors import (
    ArtifactError,
    BadSettingError,
    CannotRunHereError,
    LensError,
    ModelLoadError,
    NotInstalledError,
    PluginError,
    PluginNotAllowedError,
)
from lens_core.progress import Tell
from lens_core.runtime.choice import KeptChoice, always_required
from lens_core.runtime.folders import artifacts_in, is_checkpoint, is_folder, suffix_of

FEWEST_RUNS, MOST_RUNS = 5, 25
SECONDS = 0.5
"""Spent on measuring one file once it has run FEWEST_RUNS times."""
_NOT_FOR_HERE = (NotInstalledError, PluginNotAllowedError, CannotRunHereError, BadSettingError)
"""Why a file may be passed over without a word: it is fine, and not for this machine or these options."""

Open = Callable[[Path], Runtime]


@frozen(eq=False)
class Opened:
    """A file that answers."""

    path: Path
    runtime: Runtime
    warnings: tuple[str, ...] = ()
    """What somebody should know of the files beside it."""


def open_model(path: Path, opening: Open, options: Mapping[str, Any], tell: Tell) -> Opened:
    """The file ``path``, or the fastest one of the folder ``path``, opened by ``opening``.

    What is measured is kept in the cache, for these ``options`` of the runtime; ``tell`` hears of it only
    then. Raises ModelLoadError (E200) for a folder without a file to take, or with files of several models;
    and whatever opening raises where no file can be opened.
    """
    if not is_folder(path):
        return Opened(path, opening(path))
    candidates = artifacts_in(path)
    kept = KeptChoice.of(candidates, options)
    if known := kept.read(candidates):
        try:
            return Opened(known, opening(known))
        except (ArtifactError, PluginError):
            pass  # it was fine when it was chosen: choose again
    trial = _Trial(path, opening, tell)
    chosen = trial.choose(candidates)
    warnings = trial.warnings
    if not warnings:  # what is damaged will be put right, and is to be looked at then
        kept.write(chosen.path, trial.milliseconds)
    return Opened(chosen.path, chosen.runtime, warnings)


def milliseconds(runtime: Runtime, size: int) -> float:
    """How long the network takes for one photo of ``size`` pixels: the median of some runs."""
    photo = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), dtype=np.uint8)
    runtime.run(photo)  # the first run of all is slower
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    while len(times) < FEWEST_RUNS or (len(times) < MOST_RUNS and time.perf_counter() < end):
        begin = time.perf_counter()
        runtime.run(photo)
        times.append(1000 * (time.perf_counter() - begin))
    return float(np.median(times))


@define
class _Trial:
    """Opens files one after the other, two at most at a time, and remembers what it met."""

    folder: Path
    opening: Open
    tell: Tell
    milliseconds: dict[str, float] = field(factory=dict)
    """By file name, of those that were measured."""
    _failures: list[tuple[Path, LensError]] = field(factory=list)
    _models: dict[Path, Manifest] = field(factory=dict)
    _set_aside: list[Path] = field(factory=list)
    """They may answer otherwise."""

    @property
    def warnings(self) -> tuple[str, ...]:
        loud = [(path, error) for path, error in self._failures if not isinstance(error, _NOT_FOR_HERE)]
        return tuple(f"{path.name} is passed over: {error.message}" for path, error in loud)

    def choose(self, candidates: Sequence[Path]) -> Opened:
        """PyTorch takes seconds to import: what needs it is opened only where nothing else can be."""
        heavy = [path for path in candidates if _needs_pytorch(path)]
        light = [path for path in candidates if path not in heavy]
        self._models = {path: about for path in heavy if (about := _told_unopened(path))}
        best = self._fastest(light) or self._fastest(heavy)
        if not best:
            raise self._why_none()
        if self.milliseconds:
            self.tell(f"{_in_words(self.milliseconds)}: taking {best.path.name}")
        return best

    def _fastest(self, paths: Sequence[Path]) -> Opened | None:
        best: Opened | None = None
        for opened in self._opened(paths):
            if best is None:  # perhaps it is alone: then there is nothing to measure
                best = opened
                continue
            if not self.milliseconds:
                self.tell(f"Measuring which file of {self.folder} answers fastest here ...")
                self._measure(best)
            if self._measure(opened) < self.milliseconds[best.path.name]:
                best = opened
        return best

    def _opened(self, paths: Sequence[Path]) -> Iterator[Opened]:
        for path in paths:
            try:
                runtime = self.opening(path)
                about = manifests.from_documents(runtime.documents, path)
            except LensError as error:
                self._failures.append((path, error))
                continue
            if _decides_the_same(path, about):
                self._models[path] = about
                self._refuse_several_models()
                yield Opened(path, runtime)
            else:
                self._set_aside.append(path)

    def _measure(self, opened: Opened) -> float:
        took = milliseconds(opened.runtime, self._models[opened.path].preprocess.size)
        self.milliseconds[opened.path.name] = round(took, 2)
        return took

    def _refuse_several_models(self) -> None:
        if len({(about.embedding_id, about.model_version) for about in self._models.values()}) > 1:
            told = ", ".join(
                f"{path.name} (version {about.model_version} of {about.embedding_id})"
                for path, about in self._models.items()
            )
            raise ModelLoadError(
                f"{self.folder} holds different models: {told}.",
                "Name the file to use, or export again from the checkpoint to use.",
            )

    def _why_none(self) -> LensError:
        if self._set_aside and not self.warnings:
            names = ", ".join(path.name for path in self._set_aside)
            return ModelLoadError(
                f"Of {self.folder} {names} would be taken, but may answer otherwise than the checkpoint.",
                "Name the file if that is meant.",
            )
        return min(self._failures, key=lambda failure: isinstance(failure[1], _NOT_FOR_HERE))[1]


def _needs_pytorch(path: Path) -> bool:
    """By what the distribution of its runtime requires; nothing is imported to find out."""
    try:
        plugin = plugins.choose("runtime", suffix_of(path))
    except PluginError:  # opening it will say why
        return False
    # The core's own runtime answers from checkpoints, by the core's extra for training.
    return plugin.distribution == plugins.CORE or "torch" in always_required(plugin.distribution)


def _decides_the_same(path: Path, about: Manifest) -> bool:
    if about.certificate is None:
        return is_checkpoint(path)
    return about.certificate.precision in ("fp32", "fp16")


def _told_unopened(path: Path) -> Manifest | None:
    """What a checkpoint says of itself."""
    if not is_checkpoint(path):
        return None
    try:
        return manifests.peek(path)
    except ModelLoadError:
        return None


def _in_words(milliseconds: Mapping[str, float]) -> str:
    """``best.xml answers in 8 ms, best.onnx in 16 ms``."""
    (name, least), *others = sorted(milliseconds.items(), key=lambda one: one[1])
    slower = [f"{name} in {ms:.3g} ms" for name, ms in others]
    return ", ".join([f"{name} answers in {least:.3g} ms", *slower])
