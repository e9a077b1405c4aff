"""The JSON documents by which an artifact is understood say which ``format`` they have.

The number is raised whenever a reader that skips what it does not know would answer otherwise; whatever
else is added to a document is skipped by the readers of before.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import cattrs

from lens_core.errors import ModelLoadError
from lens_core.structure import converter, explain

T = TypeVar("T")
UPDATE = "Update with: pip install --upgrade ai-lens-helper"


def structured(content: bytes, wanted: type[T], known: int, *, name: str, path: object, again: str) -> T:
    """The document ``name`` of the artifact ``path`` as a ``wanted``, which is of format ``known``.

    Raises ModelLoadError (E200): for a newer format it says to update, for anything else how to make the
    artifact ``again``. The format is asked for first, since with another one nothing else needs to fit.
    """
    try:
        stored = json.loads(content)
        found = converter.structure(stored["format"], int)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        reason = "'format' is missing" if isinstance(error, KeyError) else error
        raise ModelLoadError(f"{path} has a {name} that is not understood: {reason}.", again) from error
    if found > known:
        raise ModelLoadError(f"{path} was made by a newer ai-lens{_whose(stored)}.", UPDATE)
    if found < known:
        raise ModelLoadError(
            f"{path} has a {name} of format {found}, which this ai-lens does not read.", again
        )
    try:
        return converter.structure(stored, wanted)
    except (ValueError, TypeError, cattrs.BaseValidationError) as error:
        raise ModelLoadError(
            f"{path} has a {name} that is not understood: {explain(error)}.", again
        ) from error


def _whose(stored: dict[str, Any]) -> str:
    return f" ({stored['made_by']})" if isinstance(stored.get("made_by"), str) else ""
