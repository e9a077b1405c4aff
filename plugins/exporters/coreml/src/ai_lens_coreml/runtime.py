"""Answers from an exported Core ML package, on macOS."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from platform import system
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ai_lens_coreml import layout, package
from lens_core.artifacts.metadata import to_documents
from lens_core.contracts import Documents, Floats, Pixels, Runtime
from lens_core.errors import CannotRunHereError, LensError, ModelLoadError
from lens_core.hookspecs import hookimpl
from lens_core.quiet import quietly
from lens_core.runtime.arrays import checked_photos

if TYPE_CHECKING:
    from coremltools.models import MLModel  # type: ignore[import-untyped]


@hookimpl
def make_runtime(path: Path) -> Runtime:
    """Open a package that ``ai-lens export`` wrote.

    Raises ModelLoadError (E200) when it cannot be read or is not such a package, DamagedArtifactError (E210)
    when a file of it has changed since, and CannotRunHereError (E470) anywhere but on macOS.
    """
    package.check(path)
    if system() != "Darwin":
        raise CannotRunHereError(
            f"{path} is a Core ML model, and Core ML is only on macOS and iOS.",
            "Put it into the app; here, use another format, for example: ai-lens export --to onnx ...",
        )
    return CoreMLRuntime(path)


class CoreMLRuntime:
    """An opened package. Several threads may call :meth:`run` at once."""

    def __init__(self, path: Path) -> None:
        self._model = _open(path)
        description = self._model.get_spec().description
        try:
            self._size = layout.photo_size(description)
            self.documents: Documents = to_documents(description.metadata.userDefined)
        except ValueError as error:
            raise ModelLoadError(f"{path} is not a model that ai-lens exported: {error}.") from error
        # Apple: "Use an MLModel instance on one thread or one dispatch queue at a time."
        self._one_at_a_time = threading.Lock()

    def run(self, images: Pixels) -> tuple[Floats, Floats]:
        """uint8[N, S, S, 3] -> (L2-normalised embeddings float32[N, D], logits float32[N, C]).

        Raises ValueError for another dtype or shape: a mistake of the calling code.
        """
        photos = checked_photos(images, self._size)
        questions = [{layout.INPUT: Image.fromarray(np.ascontiguousarray(image))} for image in photos]
        with self._one_at_a_time:
            answers = self._model.predict(questions)
        embeddings, logits = (
            np.concatenate([answer[name].reshape(1, -1) for answer in answers]).astype(np.float32)
            for name in layout.OUTPUTS
        )
        return embeddings, logits


def _open(path: Path) -> MLModel:
    with quietly(), TemporaryDirectory() as folder:
        from coremltools.models import MLModel

        # A copy, because coremltools rewrites the manifest of every package that it opens. What is parsed is
        # what was checked, so the copy is, too.
        copy = Path(folder) / path.name
        try:
            shutil.copytree(path, copy)
            package.check(copy)
            return MLModel(str(copy))
        except LensError:
            raise
        except Exception as error:
            raise ModelLoadError(f"{path} cannot be opened by Core ML: {error}.") from error
