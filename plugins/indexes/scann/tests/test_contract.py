from lens_core.testing import IndexContract


class TestScann(IndexContract):
    name = "scann"
