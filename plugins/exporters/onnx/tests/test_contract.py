from lens_core.testing import ExporterContract, RuntimeContract


class TestOnnxExporter(ExporterContract):
    name = "onnx"


class TestOnnxRuntime(RuntimeContract):
    name = "onnx"


class TestOrtMobileExporter(ExporterContract):
    name = "ort-mobile"


class TestOrtRuntime(RuntimeContract):
    name = "ort"
