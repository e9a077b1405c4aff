from lens_core.testing import ExporterContract, RuntimeContract


class TestExporter(ExporterContract):
    name = "$name"


class TestRuntime(RuntimeContract):
    name = "$name"
