from lens_core.testing import ExporterContract, RuntimeContract


class TestOpenVinoExporter(ExporterContract):
    name = "openvino"


class TestOpenVinoRuntime(RuntimeContract):
    name = "xml"
