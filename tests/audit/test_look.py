"""A photo is opened once; what is kept of it is never trusted blindly."""

import importlib

import numpy as np
import pytest

from lens_core.artifacts.cache import PhotoCache, cache_folder
from lens_core.audit.audit import audit
from lens_core.photos.layout import scan


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AI_LENS_CACHE_DIR", str(tmp_path / "cache"))


def kept():
    return sorted(path for path in (cache_folder() / "looks").rglob("*") if path.is_file())


def without_about(stored):
    del stored["about"]


def of_another_shape(stored):
    stored["grey"] = np.zeros((5, 5), np.uint8)


def saying_something_else(stored):
    stored["about"] = np.frombuffer(b'{"findings": [{"severity": 7}]}', np.uint8)


def test_the_second_time_the_same_is_said_and_nothing_is_kept_anew(small):
    first = audit(scan(small), 1)
    before = {path: path.stat().st_mtime_ns for path in kept()}
    assert len(before) == 32
    assert audit(scan(small), 1) == first
    assert {path: path.stat().st_mtime_ns for path in kept()} == before


def test_a_photo_that_was_replaced_is_looked_at_again(small):
    photo = next(small.rglob("photo_*.jpg"))
    audit(scan(small), 1)
    photo.write_bytes(b"no photo any more")
    assert [remark.check for remark in audit(scan(small), 1).of_level("error")] == ["E120"]


@pytest.mark.parametrize("change", [without_about, of_another_shape, saying_something_else])
def test_what_somebody_changed_in_the_cache_is_made_again(small, change):
    expected = audit(scan(small), 1)
    for path in kept():
        cache = PhotoCache(path.parent)
        stored = cache.read(path.name)
        change(stored)
        cache.write(path.name, stored)
    assert audit(scan(small), 1) == expected


def test_damaged_files_in_the_cache_are_made_again(small):
    expected = audit(scan(small), 1)
    for path in kept():
        path.write_bytes(path.read_bytes()[:100])
    assert audit(scan(small), 1) == expected


def test_a_checker_that_was_edited_is_asked_again(small, install):
    code = (
        "from lens_core import hookimpl\nfrom lens_core.contracts import Finding\n"
        "@hookimpl\ndef check_photo(photo): return [Finding({check!r}, 0.5)]\n"
    )
    site = install("ai-lens-edited", code.format(check="before"), "ai_lens.quality", "edited")
    assert "before" in {remark.check for remark in audit(scan(small), 1).remarks}
    import ai_lens_edited

    (site / "ai_lens_edited.py").write_text(code.format(check="after_it"), encoding="utf-8")
    importlib.reload(ai_lens_edited)
    checks = {remark.check for remark in audit(scan(small), 1).remarks}
    assert "after_it" in checks
    assert "before" not in checks
