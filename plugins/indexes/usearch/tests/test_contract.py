from lens_core.testing import IndexContract


class TestUsearch(IndexContract):
    name = "usearch"


class TestEightBits(IndexContract):
    name = "usearch"
    options = {"dtype": "i8"}  # noqa: RUF012 # as the contract's class asks for it
