"""What ``--tracker-option mlflow.KEY=VALUE`` may set."""

from __future__ import annotations

import re
from typing import Any

from attrs import field, frozen


def _no_password(options: Any, attribute: Any, value: str | None) -> None:
    """Settings are kept with the model and shown in MLflow."""
    if value and re.search(r"//[^/@]*:[^/@]*@", value):
        raise ValueError(
            f"a password in {attribute.name} would be kept with the model; put it into the environment: "
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or all of MLFLOW_TRACKING_URI"
        )


@frozen
class MlflowOptions:
    """Who is told, and under which heading."""

    tracking_uri: str | None = field(default=None, validator=_no_password)
    """The server (http://HOST:5000) or the database (sqlite:///FILE) that is told; None: what the variable
    MLFLOW_TRACKING_URI says, else mlflow.db in the folder of the run."""
    experiment: str = "ai-lens"
    """The MLflow experiment that the run belongs to; made if it is not there."""
