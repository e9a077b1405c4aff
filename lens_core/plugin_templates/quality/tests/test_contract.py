from lens_core.testing import QualityContract


class TestQuality(QualityContract):
    name = "$name"
