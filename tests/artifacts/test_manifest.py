"""What a model says of itself is kept, and a model from the future is not misread."""

import json

import attrs
import pytest

from lens_core.artifacts import manifest
from lens_core.artifacts.manifest import BackboneRecord, Calibration, Manifest, OperatingPoint, Thresholds
from lens_core.contracts import Preprocess
from lens_core.errors import ModelLoadError

ABOUT = Manifest(
    model_version="1.0.0",
    made_by="ai-lens-helper 0.1.0",
    created="2025-10-16T09:00:00+00:00",
    backbone=BackboneRecord("mobilenetv2", "mobilenetv2_100.ra_in1k", "apache-2.0"),
    preprocess=Preprocess(448, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "bilinear"),
    embedding_dim=512,
    classes=(("B", "ㄱ"), ("가야관", "금관"), ("가야관", "ㄱ")),
    embedding_id="0123456789abcdef",
    calibration=Calibration(14.0, 0.4),
    thresholds=Thresholds(0.62, 0.12, 0.65),
    operating_point=OperatingPoint(0.9, 0.01, {"look_alike": 0.05}, {"exhibit": 100, "look_alike": 20}),
    settings={"seed": 42, "reject": {"threshold": 0.62}},
    provenance={"photos": 100},
)


def read(content):
    return manifest.from_documents({manifest.NAME: content}, "best.onnx")


@pytest.mark.parametrize("changes", [{}, {"thresholds": None, "operating_point": None}])
def test_a_manifest_comes_back_as_it_was(changes):
    about = attrs.evolve(ABOUT, **changes)
    assert read(manifest.to_bytes(about)) == about


def test_names_are_readable_in_the_file():
    assert "가야관".encode() in manifest.to_bytes(ABOUT)


def test_each_place_is_named_once():
    assert ABOUT.places == ("B", "가야관")


def test_a_newer_format_asks_for_an_update_whatever_else_it_holds():
    stored = {"format": 2, "made_by": "ai-lens-helper 3.1", "everything": "new"}
    with pytest.raises(ModelLoadError) as refused:
        read(json.dumps(stored).encode())
    assert str(refused.value) == (
        "E200: best.onnx was made by a newer ai-lens (ai-lens-helper 3.1). "
        "Update with: pip install --upgrade ai-lens-helper"
    )


def test_a_file_without_a_manifest_says_so():
    with pytest.raises(ModelLoadError, match=r"best\.onnx carries no ai-lens manifest\."):
        manifest.from_documents({}, "best.onnx")


@pytest.mark.parametrize("lost", ["classes", "calibration", "preprocess"])
def test_a_manifest_with_something_missing_names_it(lost):
    stored = attrs.asdict(ABOUT)
    del stored[lost]
    with pytest.raises(ModelLoadError, match=lost):
        read(json.dumps(stored).encode())


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"[]", b"null", b'{"format": "two"}', b"\xff\xfe", b"{}"]
)
def test_a_manifest_that_is_none_is_an_error_not_a_crash(content):
    with pytest.raises(ModelLoadError):
        read(content)
