"""The contract of every index, asked of each kind."""

from typing import Any, ClassVar

from lens_core.testing import IndexContract


class TestFlat(IndexContract):
    name = "faiss"
    least_recall = 1.0
    distance_tolerance = 1e-5


class TestHnsw(IndexContract):
    name = "faiss"
    options: ClassVar[dict[str, Any]] = {"kind": "hnsw"}
    distance_tolerance = 1e-3


class TestIvfPqBeforeItCanBeTrained(IndexContract):
    name = "faiss"
    options: ClassVar[dict[str, Any]] = {"kind": "ivfpq"}
    least_recall = 1.0
    distance_tolerance = 1e-5
