import pytest

from lens_core.testing import ExporterContract, RuntimeContract


class TestCoreMLExporter(ExporterContract):
    name = "coreml"


@pytest.mark.usefixtures("core_ml")
class TestCoreMLRuntime(RuntimeContract):
    name = "mlpackage"
