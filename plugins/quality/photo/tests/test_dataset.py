"""What a curator would act on, on collections of small files."""

import pytest
from PIL import Image

from lens_core import plugins
from lens_core.photos.layout import scan


def findings(root, **options):
    driver = plugins.load("quality", "photo")
    (found,) = driver.call("check_dataset", dataset=scan(root), options=driver.options(options))
    return {(finding.check, finding.where): finding for finding in found}


@pytest.fixture
def take(tmp_path):
    def photos(item, count, size=(400, 300)):
        folder = tmp_path / item
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            Image.new("RGB", size, "gray").save(folder / f"{number}.jpg")
        return tmp_path

    return photos


def test_items_with_about_as_many_photos_are_fine(take):
    for item, count in {"a": 10, "b": 12, "c": 30, "d": 4}.items():
        root = take(f"room/{item}", count)
    assert findings(root) == {}


def test_an_item_with_too_few_photos(take):
    for item, count in {"a": 20, "b": 20, "c": 20, "d": 4, "e": 1}.items():
        root = take(f"room/{item}", count)
    found = findings(root)
    assert set(found) == {("imbalance", "room/d"), ("imbalance", "room/e")}
    few = found["imbalance", "room/d"]
    assert few.hints["en"] == "4 photos, where the items of this place usually have 20: add photos"
    assert few.severity < found["imbalance", "room/e"].severity


def test_an_item_with_too_many_photos(take):
    for item, count in {"a": 4, "b": 5, "c": 5, "d": 40}.items():
        root = take(f"room/{item}", count)
    found = findings(root)
    assert set(found) == {("imbalance", "room/d")}
    assert "keep fewer of this one" in found["imbalance", "room/d"].hints["en"]
    assert findings(root, imbalance_factor=10) == {}


def test_places_are_judged_by_themselves(take):
    take("small room/a", 3)
    take("small room/b", 3)
    take("large room/a", 40)
    assert findings(take("large room/b", 40)) == {}


def test_an_item_of_thumbnails(take):
    take("room/a", 3)
    take("room/b", 3, size=(300, 200))
    take("room/b", 1, size=(400, 300))
    found = findings(take("room/c", 3, size=(200, 300)))
    assert set(found) == {("low_resolution", "room/b"), ("low_resolution", "room/c")}
    assert found["low_resolution", "room/b"].severity < found["low_resolution", "room/c"].severity
    assert (
        found["low_resolution", "room/c"].hints["en"].startswith("100% of the photos have a short side below")
    )
    assert findings(take("room/c", 0), low_resolution_side=100) == {}


def test_only_headers_are_read_and_broken_files_are_left_to_the_audit(take):
    root = take("room/a", 3, size=(300, 200))
    for path in (root / "room/a").glob("*.jpg"):
        path.write_bytes(path.read_bytes()[:700])  # the header says how large it is; no pixel is left
    (root / "room/a/x.jpg").write_bytes(b"no photo at all")
    (root / "room/a/y.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    assert findings(root)["low_resolution", "room/a"].measured == 1
