"""An evaluation that was written earlier, read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cattrs
from attrs import frozen

from lens_core.artifacts.cache import file_hash
from lens_core.errors import NotEvaluatedError
from lens_core.evaluation import summary
from lens_core.evaluation.answers import Line
from lens_core.evaluation.assemble import ANSWERS, REPORT
from lens_core.structure import converter, explain


@frozen
class _About:
    data_hash: str
    model_version: str | None
    embedding_id: str | None


@frozen
class _Data:
    errors: int
    warnings: int
    notes: int


@frozen
class _Needed:
    """What is relied on in a summary."""

    format: int
    about: _About
    protocols: list[dict[str, Any]]
    data: _Data
    files: dict[str, str]


@frozen(eq=False)
class Past:
    """What ``ai-lens evaluate`` left in a folder."""

    folder: Path
    summary: dict[str, Any]
    lines: tuple[Line, ...]


def read(folder: Path) -> Past:
    """Raises NotEvaluatedError (E240) where there is none, or not the one that was written."""
    try:
        content = json.loads((folder / summary.NAME).read_text(encoding="utf-8"))
        needed = converter.structure(content, _Needed)
        if needed.format != summary.FORMAT:
            raise ValueError("it was written by another version")
        for name in (ANSWERS, REPORT):
            digest = needed.files.get(name)
            if file_hash(folder / name) != digest:
                raise ValueError(f"{name} is not the one that was written with it")
        text = (folder / ANSWERS).read_text(encoding="utf-8")
        lines = tuple(json.loads(line) for line in text.splitlines())
    except FileNotFoundError as error:
        missing = Path(error.filename).name
        raise NotEvaluatedError(f"{folder} holds no evaluation: there is no {missing}.") from error
    except cattrs.BaseValidationError as error:
        raise NotEvaluatedError(f"The evaluation in {folder} cannot be read: {explain(error)}.") from error
    except (OSError, ValueError) as error:
        raise NotEvaluatedError(f"The evaluation in {folder} cannot be read: {error}.") from error
    return Past(folder, content, lines)
