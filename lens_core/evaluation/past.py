"""An evaluation that was written earlier, read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attrs import frozen

from lens_core.errors import NotEvaluatedError
from lens_core.evaluation import summary
from lens_core.evaluation.answers import Line
from lens_core.evaluation.assemble import ANSWERS


@frozen(eq=False)
class Past:
    """What ``ai-lens evaluate`` left in a folder."""

    folder: Path
    summary: dict[str, Any]
    lines: tuple[Line, ...]


def read(folder: Path) -> Past:
    """Raises NotEvaluatedError (E240)."""
    try:
        content = json.loads((folder / summary.NAME).read_text(encoding="utf-8"))
        text = (folder / ANSWERS).read_text(encoding="utf-8")
        lines = tuple(json.loads(line) for line in text.splitlines())
        if content["format"] != summary.FORMAT or not all("protocol" in line for line in lines):
            raise ValueError("it was written by another version")
    except FileNotFoundError as error:
        missing = Path(error.filename).name
        raise NotEvaluatedError(f"{folder} holds no evaluation: there is no {missing}.") from error
    except KeyError as error:
        raise NotEvaluatedError(f"The evaluation in {folder} cannot be read: {error} is missing.") from error
    except (OSError, ValueError, TypeError) as error:
        raise NotEvaluatedError(f"The evaluation in {folder} cannot be read: {error}.") from error
    return Past(folder, content, lines)
