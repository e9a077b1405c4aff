"""MLflow's refusals and silences, in one line that says what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.exceptions import MlflowException
from requests.exceptions import RequestException
from sqlalchemy.exc import SQLAlchemyError

from lens_core.errors import CannotDoError


@contextmanager
def answering(uri: str) -> Iterator[None]:
    """Raises CannotDoError (E460) where MLflow does not do what the block asks of it."""
    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        silent = isinstance(error.__context__, RequestException)
        what = "does not answer" if silent else f"refuses: {str(error).strip().splitlines()[0]}"
        raise CannotDoError(
            _without_password(f"MLflow at {uri} {what.rstrip('.')}."),
            "Start it, or name another with --tracker-option mlflow.tracking_uri=URI.",
        ) from error


def _without_password(text: str) -> str:
    return re.sub(r"//[^/@\s]*@", "//", text)
