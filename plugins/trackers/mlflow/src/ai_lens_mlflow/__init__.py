"""ai-lens tracker MLflow: trainings side by side, on a server or in a file beside the model."""

from __future__ import annotations

import os

from ai_lens_mlflow.options import MlflowOptions
from lens_core.contracts import Tracker
from lens_core.hookspecs import hookimpl

_USUAL = {
    # By itself MLflow waits four minutes for a server that is not there.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # Where a new database says that the files of its runs are: else the path of the current folder, which may
    # name a person. There are no such files.
    "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
}
"""What MLflow's own variables are, unless somebody has set them."""


@hookimpl
def options_type() -> type[MlflowOptions]:
    """What ``--tracker-option mlflow.KEY=VALUE`` may set."""
    return MlflowOptions


@hookimpl
def make_tracker(options: MlflowOptions) -> Tracker:
    """A tracker that makes an MLflow run of every training."""
    for variable, value in _USUAL.items():
        os.environ.setdefault(variable, value)
    from ai_lens_mlflow.tracker import MlflowTracker

    return MlflowTracker(options)
