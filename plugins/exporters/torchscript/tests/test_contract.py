from lens_core.testing import ExporterContract, RuntimeContract


class TestTorchScriptExporter(ExporterContract):
    name = "torchscript"


class TestTorchScriptRuntime(RuntimeContract):
    name = "pt"
