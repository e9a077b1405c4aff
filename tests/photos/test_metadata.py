"""metadata.json: what it says of each photo, and what is said when it is wrong."""

import json
import unicodedata

import pytest

from lens_core.audit.audit import audit
from lens_core.errors import MetadataError
from lens_core.photos import metadata
from lens_core.photos.layout import scan

BOTTLE = {"ko": "청자 참외모양 병", "en": "Melon-shaped bottle"}
WHOLE = {
    "device": "Pixel 8",
    "date": "2025-10-16",
    "places": {
        "A": {
            "date": "2025-11-01",
            "items": {"ㄱ": {"description": BOTTLE, "photos": {"img_001.jpg": {"device": "EOS R6"}}}},
        }
    },
}
FEW = {"A": {"ㄱ": ("box", "white"), "ㄴ": ("disc", "black")}}


@pytest.fixture
def data(build_museum, tmp_path):
    return build_museum(tmp_path / "data", FEW, photos=3)


def write(root, content):
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    (root / "metadata.json").write_text(text, encoding="utf-8")


def of(data, item, name):
    (photo,) = [photo for photo in scan(data).photos if (photo.item, photo.path.name) == (item, name)]
    return metadata.read(data).of(photo)


def test_without_the_file_nothing_is_said(data):
    assert of(data, "ㄱ", "img_001.jpg") == metadata.Details()
    assert metadata.read(data).descriptions() == {}


def test_the_nearest_level_that_says_something_wins(data):
    write(data, WHOLE)
    assert of(data, "ㄱ", "img_001.jpg") == metadata.Details("EOS R6", "2025-11-01", BOTTLE)
    assert of(data, "ㄴ", "img_001.jpg") == metadata.Details("Pixel 8", "2025-11-01", {})


def test_names_match_in_any_spelling(data):
    write(data, unicodedata.normalize("NFD", json.dumps(WHOLE, ensure_ascii=False)))
    assert of(data, "ㄱ", "img_001.jpg").device == "EOS R6"
    assert set(metadata.read(data).descriptions()["A"]) == {"ㄱ"}


def test_a_file_from_notepad_is_read(data):
    (data / "metadata.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(WHOLE).encode())
    assert metadata.read(data).device == "Pixel 8"


def test_what_is_not_there_is_a_warning_that_names_it(data):
    write(data, {"places": {"A": {"items": {"ㄷ": {}, "ㄱ": {"photos": {"img_9.jpg": {}}}}}, "Z": {}}})
    remarks = [remark for remark in audit(scan(data), 3).remarks if remark.check == "metadata"]
    assert [remark.path for remark in remarks] == ["A/ㄷ", "A/ㄱ/img_9.jpg", "Z"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "cannot be read"),
        ("[]", "is not understood"),
        ('{"places": []}', "is not understood"),
        ('{"devise": "x"}', "devise"),
        ('{"places": {"A": {"items": {"x": {"date": "16.10.2025"}}}}}', "expected a date such as 2025-10-16"),
        ('{"description": "a bottle"}', "description"),
        ('{"device": 3}', "expected text, got 3"),
        ('{"device": "a", "device": "b"}', "'device' stands there twice"),
        ("\ud800", "cannot be read"),
    ],
)
def test_what_is_not_understood_is_an_error_naming_file_and_reason(data, content, reason):
    (data / "metadata.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(MetadataError, match=r"metadata\.json") as refused:
        metadata.read(data)
    assert reason in refused.value.message
    assert "\n" not in refused.value.message
