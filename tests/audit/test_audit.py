"""``validate-data``: what a curator is told about a folder of photos."""

import shutil

import pytest
from PIL import ImageFilter

from lens_core.audit.audit import audit, check_counts
from lens_core.errors import TooFewPhotosError
from lens_core.photos.layout import scan

PLAN = {"A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold")}}


@pytest.fixture
def data(build_museum, tmp_path):
    return build_museum(tmp_path / "data", PLAN, photos=3)


def remarks(data, check, min_images=1):
    return [remark for remark in audit(scan(data), min_images).remarks if remark.check == check]


def test_good_photos_have_no_errors(data):
    found = audit(scan(data), 3)
    assert found.of_level("error") == ()
    assert [(item.path, item.photos) for item in found.items] == [("A/ㄱ", 3), ("A/ㄴ", 3)]


def test_too_few_photos_are_an_error_per_item(data):
    (data / "A/ㄴ/img_000.jpg").unlink()
    (remark,) = remarks(data, "too_few", 3)
    assert (remark.level, remark.path) == ("error", "A/ㄴ")
    assert remark.text == "2 photos; 3 are the least"


def test_training_refuses_too_few_photos_and_lists_them_all(data):
    (data / "A/ㄴ/img_000.jpg").unlink()
    with pytest.raises(TooFewPhotosError) as refused:
        check_counts(scan(data), 4)
    assert str(refused.value) == (
        "E110: Fewer than 4 photos: A/ㄱ (3), A/ㄴ (2). "
        "Collect 10 photos or more of each item, or lower the bar knowingly with --min-images N."
    )
    check_counts(scan(data), 2)


def test_every_unreadable_photo_is_named_and_the_others_are_still_checked(data):
    (data / "A/ㄱ/img_000.jpg").write_bytes(b"")
    (data / "A/ㄴ/img_001.jpg").write_text("not a photo")
    found = audit(scan(data), 1)
    assert {(remark.check, remark.path) for remark in found.of_level("error")} == {
        ("E120", "A/ㄱ/img_000.jpg"),
        ("E120", "A/ㄴ/img_001.jpg"),
    }


def test_a_folder_in_which_no_photo_can_be_read_is_reported_not_a_crash(data):
    for path in data.rglob("*.jpg"):
        path.write_bytes(b"")
    assert len(audit(scan(data), 1).of_level("error")) == 6


def test_a_copy_within_an_item_is_a_note_naming_both_files(data):
    shutil.copy(data / "A/ㄱ/img_000.jpg", data / "A/ㄱ/copy.jpg")
    said = [(remark.level, remark.path, remark.other) for remark in remarks(data, "copy")]
    assert ("note", "A/ㄱ/copy.jpg", "A/ㄱ/img_000.jpg") in said


def test_a_copy_under_another_item_is_a_contradiction_naming_both_files(data):
    shutil.copy(data / "A/ㄱ/img_000.jpg", data / "A/ㄴ/wrong.jpg")
    said = [(remark.level, remark.path, remark.text) for remark in remarks(data, "contradiction")]
    text = "the same file as A/ㄴ/wrong.jpg, which is filed under another item"
    assert ("warning", "A/ㄱ/img_000.jpg", text) in said


def test_a_blurred_photo_is_remarked_but_no_error(data, draw):
    photo = draw("box", "crimson", 1, (800, 600)).filter(ImageFilter.GaussianBlur(12))
    photo.save(data / "A/ㄱ/img_000.jpg")
    blurred = [remark for remark in remarks(data, "blur") if remark.path == "A/ㄱ/img_000.jpg"]
    assert [remark.level for remark in blurred] == ["warning"]


def test_a_failing_quality_checker_is_reported_once_and_stops_nothing(data, install):
    install(
        "ai-lens-cracked",
        "from lens_core import hookimpl\n"
        "@hookimpl\ndef check_photo(photo): raise ZeroDivisionError('lens cap on')\n",
        "ai_lens.quality",
        "cracked",
    )
    (remark,) = remarks(data, "checker")
    assert remark.level == "warning"
    assert (
        "quality 'cracked' (ai-lens-cracked 1.0) failed in check_photo: ZeroDivisionError: lens cap on"
        in remark.text
    )


def test_a_quality_checker_that_cannot_be_imported_is_reported_and_stops_nothing(data, install):
    install("ai-lens-gone", "import no_such_library\n", "ai_lens.quality", "gone")
    (remark,) = remarks(data, "checker")
    assert "quality 'gone' (ai-lens-gone 1.0) needs 'no_such_library'" in remark.text


def test_the_findings_of_every_checker_are_kept(data, install):
    code = (
        "from lens_core import hookimpl\nfrom lens_core.contracts import Finding\n"
        "@hookimpl\ndef check_photo(photo): return [Finding('tilt', 0.25, {'en': 'Hold it level'})]\n"
    )
    install("ai-lens-level", code, "ai_lens.quality", "level")
    tilted = remarks(data, "tilt")
    assert len(tilted) == 6
    assert tilted[0].text == "Hold it level (severity 0.25)"


def test_the_json_says_what_the_table_says(data):
    (data / "A/ㄱ/img_000.jpg").write_bytes(b"")
    said = audit(scan(data), 3).to_dict()
    assert said["photos"] == 6
    assert [(item["place"], item["item"], item["photos"]) for item in said["items"]] == [
        ("A", "ㄱ", 3),
        ("A", "ㄴ", 3),
    ]
    assert said["errors"] == sum(remark["level"] == "error" for remark in said["remarks"]) == 1
    assert said["warnings"] == sum(remark["level"] == "warning" for remark in said["remarks"])


def test_how_a_photo_was_read_is_a_note_where_that_may_surprise(data, draw):
    frames = [draw("box", "crimson", seed) for seed in (1, 2)]
    frames[0].save(data / "A/ㄱ/moving.webp", save_all=True, append_images=frames[1:])
    (remark,) = remarks(data, "how_read")
    assert (remark.level, remark.path) == ("note", "A/ㄱ/moving.webp")
    assert remark.text == "shows the first of several pictures in the file"


def test_what_is_hardly_noticeable_is_a_note(data, install):
    code = (
        "from lens_core import hookimpl\nfrom lens_core.contracts import Finding\n"
        "@hookimpl\ndef check_photo(photo): return [Finding('dust', 0.1), Finding('scratch', 0.9)]\n"
    )
    install("ai-lens-dust", code, "ai_lens.quality", "dust")
    assert {remark.level for remark in remarks(data, "dust")} == {"note"}
    assert {remark.level for remark in remarks(data, "scratch")} == {"warning"}
