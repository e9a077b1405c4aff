import pytest

from lens_core.testing import TrackerContract


class TestMlflow(TrackerContract):
    name = "mlflow"


@pytest.fixture(scope="module", autouse=True)
def one_database(tmp_path_factory):
    """Instead of one in each folder: making one takes MLflow some seconds. test_mlflow.py makes them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/all.db")
        yield
