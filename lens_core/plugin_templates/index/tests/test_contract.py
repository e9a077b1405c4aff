from lens_core.testing import IndexContract


class TestIndex(IndexContract):
    name = "$name"
