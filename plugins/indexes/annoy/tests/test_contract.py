from lens_core.testing import IndexContract


class TestAnnoy(IndexContract):
    name = "annoy"
