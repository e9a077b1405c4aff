from lens_core.testing import QualityContract


class TestPhoto(QualityContract):
    name = "photo"
