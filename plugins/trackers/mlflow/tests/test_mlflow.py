"""What MLflow keeps, asked with MLflow's own client."""

import http.server
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lens_core import plugins
from lens_core.errors import BadSettingError, CannotDoError

SETTINGS = {"seed": 42, "weights": None, "places": ["전시 1관"], "reject.threshold": 0.62, "lang": "ko"}
FINAL = {"top1/value": 0.75, "unknown/ood/auroc": 0.5}
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """One for most tests: MLflow takes seconds to make one."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/all.db"


@pytest.fixture(autouse=True)
def _usual(database, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database)


def track(folder, losses, final=None, settings=SETTINGS, **options):
    """Tell of a training; without final figures it was stopped. MLflow's id of the run."""
    tracker = plugins.make("tracker", "mlflow", options)
    tracker.start("첫 번째", settings, folder)
    for step, loss in losses:
        tracker.log(step, {"loss": loss})
    if final is not None:
        tracker.conclude(final)
    tracker.close("stopped" if final is None else "done")
    return (folder / "mlflow_run.txt").read_text().strip()


def client(uri):
    from mlflow import MlflowClient  # not above: the plugin must be the first to import it

    return MlflowClient(uri)


def told(uri, run):
    """{name: [(step, value)]} of all figures."""
    asked = client(uri)
    names = asked.get_run(run).data.metrics
    return {name: [(one.step, one.value) for one in asked.get_metric_history(run, name)] for name in names}


def status(uri, run):
    return client(uri).get_run(run).info.status


# --- a training


def test_figures_settings_and_status_are_kept(tmp_path, database):
    run = track(tmp_path, [(1, 2.0), (2, 0.5)], FINAL)
    assert told(database, run) == {
        "loss": [(1, 2.0), (2, 0.5)],
        "final/top1/value": [(2, 0.75)],
        "final/unknown/ood/auroc": [(2, 0.5)],
    }
    kept = client(database).get_run(run)
    assert (kept.info.run_name, kept.info.status) == ("첫 번째", "FINISHED")
    assert kept.data.params == {
        "seed": "42",
        "weights": "null",
        "places": '["전시 1관"]',
        "reject.threshold": "0.62",
        "lang": "ko",
    }
    assert client(database).get_experiment(kept.info.experiment_id).name == "ai-lens"


def test_long_settings_are_cut_to_what_mlflow_keeps(tmp_path, database):
    run = track(tmp_path, [], settings={"retake": [{"how": "가까이"}] * 1000})
    assert len(client(database).get_run(run).data.params["retake"]) == 6000


def test_names_that_mlflow_refuses_are_changed(tmp_path, database):
    run = track(tmp_path, [], {"도자실 (1층)/top1": 0.5, "a//b": 0.25})
    assert told(database, run) == {"final/도자실 _1층_/top1": [(0, 0.5)], "final/a/_/b": [(0, 0.25)]}


def test_a_stopped_training_is_killed(tmp_path, database):
    assert status(database, track(tmp_path, [(1, 2.0)])) == "KILLED"


def test_an_experiment_of_choice(tmp_path, database):
    run = track(tmp_path, [], FINAL, experiment="동관")
    asked = client(database)
    assert asked.get_experiment_by_name("동관").experiment_id == asked.get_run(run).info.experiment_id


# --- again


def test_a_resumed_training_goes_on_in_the_same_run(tmp_path, database):
    first = track(tmp_path, [(1, 3.0), (2, 2.0)])
    again = track(tmp_path, [(2, 2.0), (3, 1.0)], FINAL)
    assert again == first
    assert told(database, first)["loss"] == [(1, 3.0), (2, 2.0), (3, 1.0)], "each pass is one point"
    assert told(database, first)["final/top1/value"] == [(3, 0.75)]
    assert status(database, first) == "FINISHED"


def test_while_it_goes_on_it_is_running(tmp_path, database):
    run = track(tmp_path, [(1, 3.0)])
    tracker = plugins.make("tracker", "mlflow", {})
    tracker.start("첫 번째", SETTINGS, tmp_path)
    assert status(database, run) == "RUNNING"
    tracker.close("stopped")


@pytest.mark.parametrize(
    ("final", "settings"),
    [(FINAL, SETTINGS), (None, {**SETTINGS, "seed": 43})],
    ids=["after one that was done", "with other settings"],
)
def test_another_training_is_another_run(tmp_path, database, final, settings):
    first = track(tmp_path, [(1, 3.0)], final)
    second = track(tmp_path, [(1, 2.0)], FINAL, settings)
    assert second != first
    assert (told(database, first)["loss"], told(database, second)["loss"]) == ([(1, 3.0)], [(1, 2.0)])


def test_so_is_one_that_starts_over(tmp_path, database):
    first = track(tmp_path, [(1, 3.0), (2, 2.0)])
    second = track(tmp_path, [(1, 2.5)], FINAL)
    assert second != first
    assert (told(database, first)["loss"], told(database, second)["loss"]) == (
        [(1, 3.0), (2, 2.0)],
        [(1, 2.5)],
    )
    assert (status(database, first), status(database, second)) == ("KILLED", "FINISHED")


def test_a_run_that_somebody_threw_away_is_not_gone_on_with(tmp_path, database):
    first = track(tmp_path, [(1, 3.0)])
    client(database).delete_run(first)
    assert track(tmp_path, [(2, 2.0)], FINAL) != first


# --- where it is kept


def test_without_a_server_it_is_a_file_in_the_folder_of_the_run(tmp_path, monkeypatch, database):
    elsewhere = track(tmp_path / "100% 전시", [(1, 2.0)])
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    run = track(tmp_path / "100% 전시", [(1, 2.0)], FINAL)
    assert run != elsewhere, "that one is on another server"
    assert sorted(path.name for path in (tmp_path / "100% 전시").iterdir()) == ["mlflow.db", "mlflow_run.txt"]
    moved = (tmp_path / "100% 전시" / "mlflow.db").rename(tmp_path / "moved.db")
    assert told(f"sqlite:///{moved}", run)["loss"] == [(1, 2.0)]
    kept = moved.read_bytes()
    assert str(tmp_path).encode() not in kept
    assert str(Path.cwd()).encode() not in kept


def test_an_option_comes_before_the_environment(tmp_path, monkeypatch, database):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    assert status(database, track(tmp_path, [], FINAL, tracking_uri=database)) == "FINISHED"


# --- when it cannot be


def test_a_server_that_does_not_answer(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(CannotDoError) as caught:
        track(tmp_path, [], tracking_uri=NOBODY)
    assert str(caught.value) == (
        f"E460: MLflow at {NOBODY} does not answer. "
        "Start it, or name another with --tracker-option mlflow.tracking_uri=URI."
    )


class Closed(http.server.BaseHTTPRequestHandler):
    """A server that lets nobody in."""

    def do_GET(self):
        self.send_error(401, "Who are you?")

    def log_message(self, *_):
        pass


def test_a_server_that_refuses_and_the_password_stays_secret(tmp_path, monkeypatch):
    with http.server.HTTPServer(("127.0.0.1", 0), Closed) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_port}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://kim:secret@{address}")
        with pytest.raises(CannotDoError) as caught:
            track(tmp_path, [])
        server.shutdown()
    assert str(caught.value).startswith(f"E460: MLflow at http://{address} refuses: ")
    assert "401" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_place_that_mlflow_does_not_know(tmp_path):
    with pytest.raises(CannotDoError, match=r"MLflow at ftp://x refuses: .* unsupported URI 'ftp://x'"):
        track(tmp_path, [], tracking_uri="ftp://x")


def test_a_password_is_not_taken_as_a_setting():
    with pytest.raises(BadSettingError, match=r"E600.*password in tracking_uri.*MLFLOW_TRACKING_PASSWORD"):
        plugins.make("tracker", "mlflow", {"tracking_uri": "https://kim:secret@example.org"})


ALONE = """
import socket, sys
from pathlib import Path
asked = []
def refuse(*arguments, **_):
    asked.append(arguments)
    raise OSError("nobody is asked")
socket.getaddrinfo = socket.socket.connect = socket.socket.connect_ex = refuse
from lens_core import plugins
tracker = plugins.make("tracker", "mlflow", {})
tracker.start("run", {"seed": 1}, Path(sys.argv[1]))
tracker.log(1, {"loss": 0.5})
tracker.close("done")
sys.exit(len(asked))
"""


def test_nobody_else_is_told(tmp_path):
    # Where MLflow sees a test it is silent anyway.
    usual = {"PATH": os.environ["PATH"], "MLFLOW_TRACKING_URI": os.environ["MLFLOW_TRACKING_URI"]}
    done = subprocess.run(
        [sys.executable, "-c", ALONE, tmp_path], capture_output=True, text=True, env=usual, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
