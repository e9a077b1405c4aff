"""An MLflow run for every training."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from sqlalchemy import URL

from ai_lens_mlflow import words
from ai_lens_mlflow.answering import answering
from ai_lens_mlflow.options import MlflowOptions
from lens_core.artifacts.atomic import atomic_write

DATABASE = "mlflow.db"
RUN_ID = "mlflow_run.txt"
"""In the folder of the run: which run of MLflow a resumed training goes on with."""
FINAL = "final/"
"""Before the names of figures of the finished model."""
STATUS = {"done": "FINISHED", "stopped": "KILLED"}


class MlflowTracker:
    """Figures after each pass, settings as parameters. MLflow never forgets: a pass is told once.

    Every method raises CannotDoError (E460) where MLflow does not answer or refuses.
    """

    def __init__(self, options: MlflowOptions) -> None:
        self._options = options
        self._uri: str
        self._client: MlflowClient
        self._name: str
        self._params: list[Any]
        self._kept: Path
        self._run_id = ""
        self._last = 0  # pass that was told

    def start(self, run: str, settings: Mapping[str, Any], folder: Path) -> None:
        """Go on with the run of an interrupted training with these settings, or begin a new one."""
        named = self._options.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
        self._uri = named or _database(folder)
        self._name, self._params, self._kept = run, words.params(settings), folder / RUN_ID
        folder.mkdir(parents=True, exist_ok=True)
        with answering(self._uri):
            self._client = MlflowClient(self._uri)
            interrupted = self._interrupted()
            if interrupted:
                self._go_on(interrupted)
            else:
                self._begin()

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Passes that the run has already are left out; pass 1 again is another training, another run."""
        with answering(self._uri):
            if step == 1 and self._last:
                self._client.set_terminated(self._run_id, STATUS["stopped"])
                self._begin()
            if step > self._last:
                self._last = step
                self._client.log_batch(self._run_id, words.metrics(figures, step))

    def conclude(self, figures: Mapping[str, float]) -> None:
        """The figures of the finished model, beside the last pass."""
        named = {FINAL + name: value for name, value in figures.items()}
        with answering(self._uri):
            self._client.log_batch(self._run_id, words.metrics(named, self._last))

    def close(self, status: Literal["done", "stopped"]) -> None:
        """Say how the run ended; also where none had begun."""
        if self._run_id:
            with answering(self._uri):
                self._client.set_terminated(self._run_id, STATUS[status])

    def _interrupted(self) -> Run | None:
        """The run that was begun here earlier with the same settings, if it did not come to its end."""
        if not self._kept.exists():
            return None
        try:
            run = self._client.get_run(self._kept.read_text(encoding="utf-8").strip())
        except MlflowException:  # another server's, or thrown away
            return None
        unfinished = run.info.lifecycle_stage == "active" and run.info.status != STATUS["done"]
        same = run.data.params == {param.key: param.value for param in self._params}
        return run if unfinished and same else None

    def _go_on(self, run: Run) -> None:
        self._run_id = run.info.run_id
        self._client.update_run(self._run_id, status="RUNNING")
        histories = [self._client.get_metric_history(self._run_id, name) for name in run.data.metrics]
        self._last = max((metric.step for history in histories for metric in history), default=0)

    def _begin(self) -> None:
        name = self._options.experiment
        experiment = self._client.get_experiment_by_name(name)
        number = experiment.experiment_id if experiment else self._client.create_experiment(name)
        self._run_id = self._client.create_run(number, run_name=self._name).info.run_id
        self._last = 0
        self._client.log_batch(self._run_id, params=self._params)
        atomic_write(self._kept, self._run_id + "\n")


def _database(folder: Path) -> str:
    """The URI of mlflow.db, whatever the folder is called."""
    # Of ``sqlite:///`` MLflow takes the path as it stands, percent signs and all, and makes that folder.
    path = (folder / DATABASE).resolve()
    return URL.create("sqlite+pysqlite", database=str(path)).render_as_string()
