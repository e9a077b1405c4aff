"""The contract of a quality checker: the hooks check_photo and check_dataset."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lens_core.contracts import Finding, Photo, Pixels
from lens_core.photos.layout import Dataset, PhotoFile
from lens_core.testing.asking import frozen_copy
from lens_core.testing.loading import PluginContract

LANGUAGES = ("ko", "en")
SHAPES = ((1, 1), (1, 1024), (1024, 1), (2, 3), (7, 5), (33, 500), (768, 1024))


class QualityContract(PluginContract):
    """Subclass it, set ``name``, and pytest does the rest; a hook that is not implemented is not asked."""

    family: ClassVar[str] = "quality"

    @pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape[1]}x{shape[0]}")
    @pytest.mark.parametrize("look", ["black", "white", "grey", "noise"])
    def test_any_photo_is_answered(self, look: str, shape: tuple[int, int]) -> None:
        """Whatever its size and shape, with a list of findings that are kept to the contract.

        If this fails, check sums and percentages over nothing, windows larger than the photo, and division
        by a spread of zero; and that every finding has a check (one word), a finite severity 0..1, and hints
        in Korean and English.
        """
        for finding in self._found(_look(look, shape)):
            _assert_kept(finding)
            assert all(str(finding.hints.get(language, "")).strip() for language in LANGUAGES), (
                f"finding '{finding.check}' needs a hint in each of {LANGUAGES}: {dict(finding.hints)}"
            )

    def test_made_up_photos_of_any_shape(self) -> None:
        """Shapes and contents that nobody thought of.

        If this fails, check the shape in the message.
        """

        @settings(max_examples=25, deadline=None, database=None, derandomize=True)
        @given(
            height=st.integers(1, 60),
            width=st.integers(1, 60),
            low=st.integers(0, 255),
            span=st.integers(0, 255),
            seed=st.integers(0, 9),
        )
        def ask(height: int, width: int, low: int, span: int, seed: int) -> None:
            random = np.random.default_rng(seed)
            pixels = random.integers(low, min(low + span, 255) + 1, (height, width, 3), dtype=np.uint8)
            for finding in self._found(pixels):
                _assert_kept(finding)

        ask()

    def test_the_original_may_be_larger_than_its_pixels(self) -> None:
        """Photo.width and .height are those of the original; pixels are at most 1024 long.

        If this fails, check that pixels.shape is used where pixels are counted.
        """
        for finding in self._found(_look("noise", (30, 40)), width=4000, height=3000):
            _assert_kept(finding)

    def test_the_same_photo_gets_the_same_findings(self) -> None:
        """Asked twice, with other photos in between.

        If this fails, check for randomness, and for state that stays between calls.
        """
        pixels = _look("noise", (60, 80))
        first = self._found(pixels)
        for look in ("black", "white"):
            self._found(_look(look, (60, 80)))
        assert self._found(pixels) == first

    def test_the_photo_is_not_changed(self) -> None:
        """The network sees the same pixels afterwards.

        If this fails, check for operations in place: work on a copy.
        """
        for look in ("noise", "black", "white"):
            pixels = _look(look, (60, 80))
            before = pixels.copy()
            self._found(pixels)
            np.testing.assert_array_equal(pixels, before)

    def test_pixels_may_have_gaps_and_be_read_only(self) -> None:
        """A slice of a larger photo, or a mapped one.

        If this fails, check that libraries get np.ascontiguousarray(pixels), and write to a copy.
        """
        pixels = _look("noise", (60, 80))
        assert self._found(frozen_copy(pixels)) == self._found(pixels)

    def test_a_data_set_is_answered(self, tmp_path: Path) -> None:
        """Findings about a data set name the place/item or the file they are about, or nothing.

        If this fails, check the findings: a check (one word), a finite severity 0..1, where as text.
        """
        for finding in self._found_in(_data_set(tmp_path)):
            _assert_kept(finding)

    def test_broken_and_missing_files_of_a_data_set_are_no_reason_to_stop(self, tmp_path: Path) -> None:
        """Empty, cut, foreign and missing files, an item with one photo, and no photos at all.

        If this fails, check that DataError (lens_core.errors) of decode() is caught photo by photo, and for
        means of nothing.
        """
        for dataset in (_broken(tmp_path), Dataset(tmp_path, ())):
            for finding in self._found_in(dataset):
                _assert_kept(finding)

    def test_a_data_set_gets_the_same_findings_again(self, tmp_path: Path) -> None:
        """Asked twice; its files stay as they are.

        If this fails, check for randomness, for the order of files and threads, and for files that are
        written.
        """
        dataset = _data_set(tmp_path)
        before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
        assert self._found_in(dataset) == self._found_in(dataset)
        assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before

    # --- helpers

    def _found(self, pixels: Pixels, width: int | None = None, height: int | None = None) -> list[Finding]:
        photo = Photo(pixels, width or pixels.shape[1], height or pixels.shape[0])
        return self._asked("check_photo", photo=photo)

    def _found_in(self, dataset: Dataset) -> list[Finding]:
        return self._asked("check_dataset", dataset=dataset)

    def _asked(self, hook: str, **what: Any) -> list[Finding]:
        driver = self.driver()
        if not driver.implements(hook):
            return []
        answers = driver.call(hook, options=driver.options(dict(self.options), self.name), **what)
        return [finding for answer in answers for finding in answer]


def _assert_kept(finding: Any) -> None:
    assert isinstance(finding, Finding), f"{finding!r} is no lens_core.contracts.Finding"
    assert isinstance(finding.check, str)
    assert finding.check.isidentifier(), f"a check is one word a program can switch on, not {finding.check!r}"
    assert 0 <= finding.severity <= 1, f"finding '{finding.check}' has severity {finding.severity}, not 0..1"
    assert isinstance(finding.where, str)
    assert finding.measured is None or math.isfinite(finding.measured), (
        f"finding '{finding.check}' measured {finding.measured}"
    )
    assert all(isinstance(text, str) and text.strip() for text in finding.hints.values())


def _look(look: str, shape: tuple[int, int]) -> Pixels:
    """uint8[H, W, 3]."""
    level = {"black": 0, "white": 255, "grey": 128}.get(look)
    if level is not None:
        return np.full((*shape, 3), level, np.uint8)
    return np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)


def _data_set(folder: Path) -> Dataset:
    """Two places of two items of three photos each; two of the photos are the same."""
    photos: list[PhotoFile] = []
    for place in ("A", "본관"):
        for number, item in enumerate(("ㄱ", "주전자")):
            for seed in (0, 1, 1):
                name = f"{place} {item} {len(photos)}.jpg"
                random = np.random.default_rng([seed, number])
                pixels = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
                photos.append(_file(folder, place, item, name))
                Image.fromarray(pixels).resize((160, 120)).save(photos[-1].path)
    return Dataset(folder, tuple(photos))


def _broken(folder: Path) -> Dataset:
    """One item of every kind of broken file, and one with one good photo."""
    whole = _data_set(folder).photos[0].path.read_bytes()
    contents = {"empty": b"", "cut": whole[: len(whole) // 2], "foreign": b"no photo", "good": whole}
    photos = [_file(folder, "B", "깨진 것", f"{name}.jpg") for name in (*contents, "missing")]
    for photo, content in zip(photos, contents.values(), strict=False):
        photo.path.write_bytes(content)
    photos.append(_file(folder, "B", "하나", "tiny.png"))
    Image.new("RGB", (1, 1)).save(photos[-1].path)
    return Dataset(folder, tuple(photos))


def _file(folder: Path, place: str, item: str, name: str) -> PhotoFile:
    path = folder / place / item / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return PhotoFile(place, item, path)
