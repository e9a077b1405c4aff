"""The tests of every opened artifact, whoever wrote it: what it answers, and that damage is noticed."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from lens_core.contracts import Floats, Pixels, Runtime
from lens_core.errors import ArtifactError, CannotRunHereError
from lens_core.runtime.lens import open_runtime
from lens_core.testing.asking import (
    answers_from_threads,
    frozen_copy,
    no_native_output,
    refused_as_a_mistake,
)
from lens_core.testing.loading import PluginContract

BATCHES = (1, 3, 17)


def photos(count: int, size: int, seed: int = 0) -> Pixels:
    """uint8[count, size, size, 3]: smooth made-up pictures that differ in colour, light and shape."""
    random = np.random.default_rng([seed, count])
    coarse = random.integers(0, 256, (count, 4, 4, 3))
    smooth = coarse.repeat(-(-size // 4), axis=1).repeat(-(-size // 4), axis=2)[:, :size, :size]
    light = random.uniform(0.3, 1, (count, 1, 1, 1))
    noise = random.normal(0, 12, (count, size, size, 3))
    return np.asarray(np.clip(smooth * light + noise, 0, 255), np.uint8)


class OpenedContract(PluginContract):
    """What is asked of a file that a runtime has opened. Subclasses say where the file comes from."""

    tolerance: ClassVar[float] = 1e-4
    """How far answers that should be equal may differ; formats that store 16-bit numbers need more."""

    def artifact(self) -> Path:
        """The file to open, in a folder of its own."""
        raise NotImplementedError

    def photo_size(self) -> int:
        """Side of the photos it takes, in pixels."""
        raise NotImplementedError

    def opened(self, path: Path | None = None) -> Runtime:
        """The opened file. Raises CannotRunHereError (E470) where its format cannot run on this machine."""
        return open_runtime(path or self.artifact(), {})

    def running(self) -> Runtime:
        """The opened file, once for all tests; skips the test where it cannot run."""
        try:
            runtime: Runtime = self.once("running", self.opened)
        except CannotRunHereError as error:
            pytest.skip(f"this format cannot run on this machine: {error.message}")
        return runtime

    def seen(self, count: int = 3, seed: int = 0) -> tuple[Floats, Floats]:
        """What the network makes of made-up photos."""
        return self.running().run(photos(count, self.photo_size(), seed))

    @pytest.mark.parametrize("count", BATCHES)
    def test_it_takes_any_number_of_photos(self, count: int) -> None:
        """Two float32 arrays, one line per photo: embeddings[N, D], then logits[N, C].

        If this fails, check that the batch size is not fixed in the file (dynamic axes), that outputs come
        in this order, and that both are float32 numpy arrays.
        """
        embeddings, logits = self.seen(count)
        for output in (embeddings, logits):
            assert isinstance(output, np.ndarray)
            assert output.dtype == np.float32
            assert output.ndim == 2
            assert len(output) == count
            assert np.isfinite(output).all()

    def test_embeddings_have_length_one(self) -> None:
        """Galleries and thresholds rely on it.

        If this fails, check that the L2 normalisation at the network's end is in the file, and that outputs
        are not swapped.
        """
        embeddings, _ = self.seen(5)
        np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=10 * self.tolerance)

    def test_logits_are_cosines(self) -> None:
        """Between -1 and 1, not scaled and not a softmax.

        If this fails, check that nothing is multiplied or applied after the last matrix product, and that
        outputs are not swapped.
        """
        _, logits = self.seen(17)
        assert np.abs(logits).max() <= 1 + 10 * self.tolerance
        assert not np.allclose(logits.sum(axis=1), 1, atol=1e-3), "these look like probabilities"

    def test_a_photo_gets_the_same_answer_alone_and_in_a_batch(self) -> None:
        """Nobody's answer depends on who else asks.

        If this fails, check that BatchNorm and Dropout are in evaluation mode in the file, and that no
        quantiser scales by the batch it sees.
        """
        images = photos(4, self.photo_size())
        together = self.running().run(images)
        alone = [self.running().run(image[None]) for image in images]
        for number, output in enumerate(together):
            np.testing.assert_allclose(
                np.concatenate([one[number] for one in alone]), output, atol=self.tolerance, rtol=0
            )

    def test_different_photos_get_different_embeddings(self) -> None:
        """A network that sees the same in everything knows nothing.

        If this fails, check that pixels reach the network as numbers 0..255 and are not cut to 0 or 1.
        """
        embeddings, _ = self.seen(5)
        assert np.abs(embeddings - embeddings[0]).max(axis=1)[1:].min() > self.tolerance

    def test_the_same_photo_gets_the_same_answer(self) -> None:
        """Also later, after others were asked, and from a file opened once more.

        If this fails, check for state that stays on the runtime between calls, outputs that share memory
        with the next answer, and Dropout.
        """
        first = self.seen(3)
        kept = [output.copy() for output in first]
        self.seen(3, seed=1)
        for output, expected in zip(first, kept, strict=True):
            np.testing.assert_array_equal(output, expected, "an answer changed when another photo was asked")
        for runtime in (self.running(), self.opened()):
            again = runtime.run(photos(3, self.photo_size()))
            for output, expected in zip(again, kept, strict=True):
                np.testing.assert_allclose(output, expected, atol=self.tolerance, rtol=0)

    def test_photos_may_have_gaps_are_read_only_and_stay_as_they_are(self) -> None:
        """A slice of a mapped array is a usual input.

        If this fails, check that the library gets np.ascontiguousarray(images), and writes to a copy.
        """
        images = photos(3, self.photo_size())
        before = images.copy()
        expected = self.running().run(images)
        found = self.running().run(frozen_copy(images))
        np.testing.assert_array_equal(images, before)
        for output, other in zip(expected, found, strict=True):
            np.testing.assert_allclose(other, output, atol=self.tolerance, rtol=0)

    @pytest.mark.parametrize(
        "fault", ["float32", "int64", "one photo", "another size", "grey", "channels first"]
    )
    def test_what_is_no_photo_is_refused(self, fault: str) -> None:
        """A mistake of the calling code is a ValueError, not a strange answer.

        If this fails, check images.dtype == np.uint8 and images.shape[1:] == (S, S, 3) before the library
        runs.
        """
        wrong = _wrong(fault, photos(2, self.photo_size()))
        with refused_as_a_mistake(f"run with {fault}"):
            self.running().run(wrong)

    def test_several_threads_may_ask_at_once(self) -> None:
        """A server answers several visitors with one runtime.

        If this fails, check that run keeps nothing on self while it works, and whether the library's session
        may be shared; else put a lock around it.
        """
        runtime, size = self.running(), self.photo_size()
        questions = [photos(2, size, seed) for seed in range(3)]
        expected = [runtime.run(question) for question in questions]
        for answers in answers_from_threads(runtime.run, questions):
            for number, answer in answers:
                for output, other in zip(expected[number], answer, strict=True):
                    np.testing.assert_allclose(other, output, atol=self.tolerance, rtol=0)

    def test_documents_are_bytes_by_name(self) -> None:
        """documents maps names to bytes.

        If this fails, check that the runtime gives back bytes, not text, and drops no document.
        """
        documents = self.running().documents
        assert all(
            isinstance(name, str) and isinstance(content, bytes) for name, content in documents.items()
        )

    def test_damage_is_noticed(self, tmp_path: Path) -> None:
        """A changed, missing or added byte anywhere is DamagedArtifactError (E210) or ModelLoadError (E200).

        If this fails, check that the runtime verifies a seal over every file of the artifact (the network,
        its weights, the documents) before it parses anything: integrity.read_sealed or container.read.
        """
        artifact = self.artifact()
        missed = [what for what, path in _damaged(artifact, tmp_path) if not self._refused(path)]
        assert missed == [], f"opened although damaged: {'; '.join(missed)}"

    def test_a_file_that_is_not_there_or_is_no_model_is_refused(self, tmp_path: Path) -> None:
        """Raises ModelLoadError (E200) or DamagedArtifactError (E210).

        If this fails, check that the library's errors on opening become ModelLoadError.
        """
        suffix = self.artifact().suffix
        for name, content in {
            "text": b"not a model " * 50,
            "empty": b"",
            "pickle": b"\x80\x04K\x01.",
        }.items():
            (tmp_path / f"{name}{suffix}").write_bytes(content)
            assert self._refused(tmp_path / f"{name}{suffix}"), f"opened a file of {name}"
        assert self._refused(tmp_path / f"none{suffix}")

    def test_opening_and_asking_change_no_file_and_print_nothing(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """A model may lie on a read-only disk; stdout carries results and nothing else.

        If this fails, check where the library keeps caches, and how verbose it is.
        """
        folder = self.artifact().parent
        before = sorted((path.relative_to(folder), path.stat().st_mtime_ns) for path in folder.rglob("*"))
        capfd.readouterr()
        with contextlib.suppress(CannotRunHereError):
            self.opened().run(photos(2, self.photo_size()))
        after = sorted((path.relative_to(folder), path.stat().st_mtime_ns) for path in folder.rglob("*"))
        assert after == before
        no_native_output(capfd)

    def _refused(self, path: Path) -> bool:
        """Whether opening raises what it should; on a machine that opens no such file, anything it may."""
        may = (ArtifactError, CannotRunHereError) if self._cannot_run_here() else (ArtifactError,)
        try:
            self.opened(path)
        except may:
            return True
        return False

    def _cannot_run_here(self) -> bool:
        try:
            self.once("running", self.opened)
        except CannotRunHereError:
            return True
        return False


def _wrong(fault: str, images: Pixels) -> Any:
    match fault:
        case "one photo":
            return images[0]
        case "another size":
            return images[:, : images.shape[1] // 2, : images.shape[2] // 2]
        case "grey":
            return images[..., :1]
        case "channels first":
            return images.transpose(0, 3, 1, 2)
    return images.astype(fault)


def _damaged(artifact: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Copies of the artifact (with what lies beside it), each with one fault in one of its files."""
    home = artifact.parent
    files = sorted(path.relative_to(home) for path in home.rglob("*") if path.is_file())
    for file in files:
        content = (home / file).read_bytes()
        for fault, bad in _faults(content):
            copy = folder / f"{len(list(folder.iterdir()))}"
            shutil.copytree(home, copy)
            (copy / file).unlink()
            if bad is not None:
                (copy / file).write_bytes(bad)
            yield f"{file.as_posix()} {fault}", copy / artifact.name


def _faults(content: bytes) -> Iterator[tuple[str, bytes | None]]:
    yield "missing", None
    yield "empty", b""
    yield "cut in half", content[: len(content) // 2]
    yield "with a byte added", content + b"\0"
    for place in sorted({0, len(content) // 3, 2 * len(content) // 3, len(content) - 1} - {-1}):
        changed = bytearray(content)
        changed[place] ^= 1
        yield f"with byte {place} of {len(content)} changed", bytes(changed)
