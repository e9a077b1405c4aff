"""``Lens``: an artifact that answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from attrs import frozen

from lens_core import plugins
from lens_core.artifacts import gallery as galleries
from lens_core.artifacts import integrity
from lens_core.artifacts import manifest as manifests
from lens_core.artifacts.gallery import Gallery
from lens_core.artifacts.gallery_file import read_file
from lens_core.artifacts.manifest import Thresholds
from lens_core.contracts import Floats, Photo, Pixels, Runtime, RuntimeOptions
from lens_core.decision import messages, scores
from lens_core.decision.calibration import probabilities
from lens_core.decision.rule import Evidence, decide
from lens_core.errors import (
    BadSettingError,
    BrokenPluginError,
    ModelLoadError,
    NoThresholdError,
    UnknownPlaceError,
    WrongGalleryError,
)
from lens_core.photos.decode import decode
from lens_core.photos.layout import nfc
from lens_core.photos.preprocess import prepare
from lens_core.photos.quality import QualityChecks
from lens_core.progress import Tell, tell_nobody
from lens_core.runtime.fastest import open_model
from lens_core.runtime.folders import refuse_missing, suffix_of
from lens_core.runtime.result import Prediction, Result
from lens_core.runtime.search import GallerySearch, PlaceSearch
from lens_core.settings import Reject

if TYPE_CHECKING:
    from lens_core.photos.decode import PhotoSource


USUAL = Thresholds(Reject().threshold, Reject().min_top1_margin, Reject().max_distance)
"""T, M and D of a model that stores none."""
BATCH = 16
"""Photos the network sees at once; more would only need more memory."""


@frozen(eq=False)
class Scores:
    """What a model says of Q photos within one place of K items."""

    place: str
    items: tuple[str, ...]
    probabilities: Floats
    """float32[Q, K], calibrated."""
    distances: Floats
    """float32[Q]: cosine distance to the nearest reference photo (``d_top1``)."""
    nearest: list[str]
    """The item of that photo."""
    cosines: Floats
    """float32[Q, K]: to what the classifier has learned of each item."""
    rejection: Floats | None
    """float32[Q]: what T is compared with, where that is not the best item's probability."""

    def evidence(self, row: int) -> Evidence:
        """One photo's numbers, as the rule takes them."""
        probs = self.probabilities[row]
        order = np.argsort(-probs, kind="stable")
        best = float(probs[order[0]])
        second = float(probs[order[1]]) if len(order) > 1 else 0.0
        score = best if self.rejection is None else float(self.rejection[row])
        nearest, distance = self.nearest[row], float(self.distances[row])
        return Evidence(self.items[order[0]], score, best - second, nearest, distance)


class Lens:
    """Answers which exhibit a photo shows.

    >>> lens = Lens(model_path="runs/2025-10-16/best.onnx")          # doctest: +SKIP
    >>> lens.infer(place="A", image_path="sample.jpg").decision      # doctest: +SKIP
    'accept'

    Args:
        model_path: a checkpoint (``.ckpt``) or an export (``.onnx`` ...); its suffix chooses the runtime.
            Or a folder, for example a run's: of its files the one that answers fastest here.
        index_file: a gallery made by ``ai-lens build-index``, instead of the one inside the model.
        index: the index plugin to search with; by default the one the gallery was built with.
        index_options: options of that plugin.
        runtime_options: options of the runtime plugin, for example ``{"threads": 2}``.
        at_once: how many threads will ask at the same time; the cores are shared among them.
        quality: the photo checkers whose hints are given; by default every one that is installed.
        quality_options: their options by name, for example ``{"photo": {"blur_radius": 1.4}}``.
        lang: language of messages, hints and descriptions, ``ko`` or ``en``.
        describe: give each prediction what ``metadata.json`` says about the exhibit.
        tell: hears which file of a folder is taken, when that is measured.

    Raises:
        ModelLoadError: E200, the file is missing, unreadable or no artifact.
        DamagedArtifactError: E210, its bytes have changed since it was written.
        WrongGalleryError: E220, the gallery was built with another model.
        PluginError: E4xx, a runtime or index is not installed.
    """

    def __init__(
        self,
        model_path: str | Path,
        *,
        index_file: str | Path | None = None,
        index: str | None = None,
        index_options: dict[str, Any] | None = None,
        runtime_options: dict[str, Any] | None = None,
        at_once: int = 1,
        quality: Sequence[str] | None = None,
        quality_options: dict[str, dict[str, Any]] | None = None,
        lang: str = "ko",
        describe: bool = False,
        tell: Tell = tell_nobody,
    ) -> None:
        if lang not in messages.RECOLLECT:
            raise BadSettingError(f"lang: expected 'ko' or 'en', got {lang!r}.", "Pass one of the two.")
        self.at_once, options = at_once, runtime_options or {}
        opened = open_model(
            Path(model_path),
            lambda path: open_runtime(path, options, at_once),
            {**options, "at_once": at_once},
            tell,
        )
        self.path, self._runtime, self._passed_over = opened.path, opened.runtime, opened.warnings
        self.manifest = manifests.from_documents(self._runtime.documents, self.path)
        self.lang, self._describe = lang, describe
        self._index_file, self._runtime_options = index_file, options
        self._search = self._open_gallery(index_file, index, index_options or {})
        self._columns: dict[str, dict[str, int]] = {place: {} for place in self.manifest.places}
        for column, (place, item) in enumerate(self.manifest.classes):
            self._columns[place][item] = column
        self._quality: QualityChecks | None = None
        self._quality_choice = (quality, quality_options)
        if quality or quality_options:
            self._checks()  # a mistake shows at once, not with the first photo that is refused

    @property
    def gallery(self) -> Gallery:
        """The reference embeddings this lens answers from."""
        return self._search.gallery

    @property
    def identity(self) -> dict[str, Any]:
        """What an answer depends on besides the question; equal: the same photo is answered alike."""
        # The manifest among the documents holds the hash of the weights.
        stored = b"".join(content for _, content in sorted(self._runtime.documents.items()))
        return {
            "model": f"{self.manifest.model_version} {integrity.sha256(stored)[:16]}",
            "gallery": integrity.read_seal(self._index_file)[:16] if self._index_file else "the model's own",
            "index": [self._search.index, self._search.index_options],
            "runtime_options": self._runtime_options,
            "hints": self._checks().identity,
            "lang": self.lang,
            "describe": self._describe,
        }

    @property
    def warnings(self) -> tuple[str, ...]:
        """What did not work without costing an answer: a file beside the model's, a stored index, a quality
        checker."""
        failures = self._quality.failures.values() if self._quality else ()
        return (*self._passed_over, *self._search.warnings, *map(str, failures))

    def warm_up(self) -> None:
        """Do now what the first questions would wait for: bring mapped files into memory, open or build
        indexes, and ask a question of every place."""
        self._search.warm_up()
        size = self.manifest.preprocess.size
        seen = self.see(np.zeros((1, size, size, 3), np.uint8))
        for place in self._search.places:
            self.score(place, *seen)

    def infer(
        self,
        place: str,
        image_path: PhotoSource,
        *,
        reject_threshold: float | None = None,
        topk: int = 3,
    ) -> Result:
        """Which exhibit of ``place`` the photo shows, or ``recollect``.

        ``image_path`` is a path, an encoded photo's bytes, a Pillow image, or uint8[H, W, 3]. Raises
        UnknownPlaceError (E320), NoThresholdError (E310) or an E12x error when the photo cannot be read.
        """
        self.check_question(place, reject_threshold, topk)
        photo = decode(image_path)
        return self.answer(place, [photo], reject_threshold=reject_threshold, topk=topk)[0]

    def answer(
        self, place: str, photos: Sequence[Photo], *, reject_threshold: float | None = None, topk: int = 3
    ) -> list[Result]:
        """The answers to several decoded photos of one place, computed as one batch."""
        thresholds = self.check_question(place, reject_threshold, topk)
        if not photos:
            return []
        seen = self.scores(nfc(place), photos)
        return [self._result(photo, seen, row, thresholds, topk) for row, photo in enumerate(photos)]

    def check_question(self, place: str, reject_threshold: float | None = None, topk: int = 3) -> Thresholds:
        """The thresholds that will decide.

        Raises UnknownPlaceError (E320), NoThresholdError (E310), or BadSettingError (E600) for numbers that
        cannot be.
        """
        known = self._search.places
        if nfc(place) not in known:
            raise UnknownPlaceError(f"There is no place '{place}' in {self.path}; it has {', '.join(known)}.")
        if topk < 1:
            raise BadSettingError(f"topk must be 1 or more, not {topk}.", "3 is usual.")
        stored = self.manifest.thresholds
        if stored is None and reject_threshold is None:
            raise NoThresholdError(f"{self.path} stores no reject threshold.")
        if reject_threshold is not None and not 0 <= reject_threshold <= 1:
            raise BadSettingError(
                f"The reject threshold must be 0 to 1, not {reject_threshold}.", "0.62 is usual."
            )
        base = stored or USUAL
        return base if reject_threshold is None else attrs.evolve(base, threshold=reject_threshold)

    def prepare(self, photos: Sequence[Photo]) -> Pixels:
        """uint8[N, S, S, 3]: decoded photos as this model takes them."""
        return np.stack([prepare(photo, self.manifest.preprocess) for photo in photos])

    def see(self, images: Pixels) -> tuple[Floats, Floats]:
        """What the network makes of prepared photos: (embeddings float32[N, D], logits float32[N, C])."""
        starts = range(0, len(images), BATCH)
        seen = [self._run(images[start : start + BATCH]) for start in starts]
        embeddings, logits = zip(*seen, strict=True)
        return np.concatenate(embeddings), np.concatenate(logits)

    def scores(self, place: str, photos: Sequence[Photo]) -> Scores:
        """What the rule needs to know of each photo."""
        return self.score(place, *self.see(self.prepare(photos)))

    def score(
        self, place: str, embeddings: Floats, logits: Floats, search: PlaceSearch | None = None
    ) -> Scores:
        """The same from the network's two outputs; ``search`` stands in for the place's own gallery."""
        search = search or self._search.of_place(place)
        similarities, nearest = search.nearest(embeddings)
        items, calibration = search.items, self.manifest.calibration
        # An item that was never trained is scored by its photos' mean, beside the trained ones.
        cosines = embeddings @ search.prototypes.T
        for item, column in self._columns.get(place, {}).items():
            if item in search.numbers:
                cosines[:, search.numbers[item]] = logits[:, column]
        probs = probabilities(cosines, calibration)
        distances = np.maximum(1 - similarities[:, 0], 0)
        rejection = self._rejection(probs, cosines, similarities, embeddings, search)
        return Scores(place, items, probs, distances, nearest, cosines, rejection)

    def _rejection(
        self, probs: Floats, cosines: Floats, similarities: Floats, embeddings: Floats, search: PlaceSearch
    ) -> Floats | None:
        chosen = self.manifest.thresholds and self.manifest.thresholds.score
        if not chosen:
            return None
        signals = scores.from_probabilities(probs, cosines, self.manifest.calibration)
        signals |= scores.from_neighbours(similarities)
        if "mahalanobis" in chosen.weights:
            signals["mahalanobis"] = search.mahalanobis(embeddings)
        return scores.apply(chosen, signals).astype(np.float32)

    def _run(self, images: Pixels) -> tuple[Floats, Floats]:
        """Ask the runtime, and see that what it answers is what was agreed."""
        embeddings, logits = self._runtime.run(images)
        wanted = (len(images), self.manifest.embedding_dim), (len(images), len(self.manifest.classes))
        if (embeddings.shape, logits.shape) != wanted or not (
            np.isfinite(embeddings).all() and np.isfinite(logits).all()
        ):
            raise BrokenPluginError(
                f"The network in {self.path} answered {embeddings.shape} and {logits.shape}, not {wanted[0]} "
                f"and {wanted[1]} finite numbers."
            )
        return embeddings, logits

    def _result(self, photo: Photo, scores: Scores, row: int, thresholds: Thresholds, topk: int) -> Result:
        probs, items = scores.probabilities[row], scores.items
        verdict = decide(scores.evidence(row), thresholds)
        order = np.argsort(-probs, kind="stable")
        accepted = verdict.item is not None
        return Result(
            place=scores.place,
            predictions=tuple(
                Prediction(items[best], float(probs[best]), self._description(scores.place, items[best]))
                for best in order[:topk]
            ),
            decision="accept" if accepted else "recollect",
            reason=verdict.reason,
            distance=float(scores.distances[row]),
            selected_item=verdict.item,
            confidence=float(probs[items.index(verdict.item)]) if verdict.item is not None else None,
            message=None if accepted else messages.RECOLLECT[self.lang],
            hints=() if accepted else tuple(messages.hints(self._checks().check(photo), self.lang)),
            model_version=self.manifest.model_version,
            notes=photo.notes,
        )

    def _description(self, place: str, item: str) -> str | None:
        return self.gallery.description(place, item, self.lang) if self._describe else None

    def _checks(self) -> QualityChecks:
        if self._quality is None:
            self._quality = QualityChecks.enabled(*self._quality_choice)
        return self._quality

    def _open_gallery(
        self, index_file: str | Path | None, index: str | None, options: dict[str, Any]
    ) -> GallerySearch:
        if index_file is None:
            return GallerySearch(self._fitting(self._own_gallery(), self.path), index or "exact", options)
        file = read_file(Path(index_file))
        if file.embedding_id != self.manifest.embedding_id:
            raise WrongGalleryError(f"{index_file} was built with another model than {self.path}.")
        self._fitting(file.gallery, Path(index_file))
        return GallerySearch.of_file(file, index, options)

    def _fitting(self, gallery: Gallery, path: Path) -> Gallery:
        found, dim = gallery.embeddings.shape[1], self.manifest.embedding_dim
        if found != dim:
            raise WrongGalleryError(f"The gallery in {path} has vectors of {found} numbers, the model {dim}.")
        return gallery

    def _own_gallery(self) -> Gallery:
        if galleries.NAME not in self._runtime.documents:
            raise ModelLoadError(f"{self.path} carries no gallery.", "Pass one with --index-file.")
        return galleries.from_bytes(self._runtime.documents[galleries.NAME], self.path)


def open_runtime(path: Path, options: dict[str, Any], at_once: int = 1) -> Runtime:
    """Open an artifact with the runtime its suffix names, to be asked by so many threads at the same time.

    Raises ModelLoadError (E200).
    """
    refuse_missing(path)
    suffix = suffix_of(path)
    if not suffix:
        raise ModelLoadError(f"{path} has no suffix, so its format is not known.")
    driver = plugins.load("runtime", suffix)
    if at_once > 1 and issubclass(driver.options_type(), RuntimeOptions):
        options = {"at_once": at_once, **options}
    runtime: Runtime = driver.make("make_runtime", path=path, options=driver.options(options))
    return runtime
