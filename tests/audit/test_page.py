"""The page of ``validate-data``: what a curator opens in a browser."""

import ast
import base64
import io
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from lens_core.audit.audit import audit
from lens_core.audit.kinds import MOST_PHOTOS
from lens_core.audit.page import write_page
from lens_core.audit.page_words import KINDS, WORDS
from lens_core.errors import DataError, NotInstalledError, all_errors
from lens_core.photos.layout import scan

ROOT = Path(__file__).parents[2]
PLAN = {"A": {"ㄱ": ("disc", "crimson"), "ㄴ": ("box", "gold")}}


@pytest.fixture
def data(build_museum, tmp_path):
    return build_museum(tmp_path / "data", PLAN, photos=4)


@pytest.fixture
def page(tmp_path):
    """``page(data, lang="en")``: the page as text."""

    def write(data, lang="en", min_images=1):
        dataset = scan(data)
        write_page(audit(dataset, min_images), dataset, tmp_path / "page.html", lang)
        return (tmp_path / "page.html").read_text(encoding="utf-8")

    return write


class Reader(HTMLParser):
    """What a browser makes of a page: its tags with their attributes, and its words."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(page)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)


def thumbnails(page):
    encoded = re.findall(r'href="data:image/jpeg;base64,([^"]+)"', page)
    return [Image.open(io.BytesIO(base64.b64decode(text))) for text in encoded]


def test_the_first_line_says_whether_training_can_start(data, page):
    text = Reader(page(data, min_images=10)).text
    assert "Not ready to train: mend the errors first." in text
    assert "2 errors and" in text
    assert "over 8 photos of 2 items in 1 place" in text


def test_good_photos_are_ready(tmp_path, page, draw):
    (tmp_path / "one/A/ㄱ").mkdir(parents=True)
    draw("disc", "crimson", 1, (800, 600)).save(tmp_path / "one/A/ㄱ/a.jpg")
    text = Reader(page(tmp_path / "one")).text
    assert "Ready to train. 0 errors and 0 warnings over 1 photo of 1 item in 1 place" in text
    assert "Photos to look at" not in text


def test_the_page_speaks_korean(data, page):
    korean = page(data, "ko", min_images=10)
    assert '<html lang="ko">' in korean
    text = Reader(korean).text
    assert "아직 학습할 수 없습니다. 오류를 먼저 해결하세요." in text
    assert "사진이 너무 적은 작품" in text
    assert not [words for words in WORDS["en"].values() if len(words) > 20 and words in text]


def test_unreadable_photos_are_listed_with_the_reason(data, page):
    (data / "A/ㄱ/img_000.jpg").write_bytes(b"")
    text = Reader(page(data)).text
    assert "Photos that cannot be read" in text
    assert "A/ㄱ/ img_000.jpg is not a photo" in text


def test_a_photo_that_became_unreadable_since_is_shown_as_such(data, tmp_path):
    dataset = scan(data)
    found = audit(dataset, 10)
    (data / "A/ㄱ/img_000.jpg").write_bytes(b"")
    write_page(found, dataset, tmp_path / "page.html", "en")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert '<title>A/ㄱ/img_000.jpg (cannot be read)</title><use href="#unreadable"/>' in page


def test_both_photos_of_a_contradiction_are_shown_side_by_side(data, page):
    shutil.copy(data / "A/ㄱ/img_000.jpg", data / "A/ㄴ/wrong.jpg")
    found = page(data)
    (exhibit,) = [part for part in found.split("<li") if "the same file" in part]
    assert "<title>A/ㄱ/img_000.jpg</title>" in exhibit
    assert "<title>A/ㄴ/wrong.jpg</title>" in exhibit
    assert 'class="pair"' in exhibit


def test_of_one_kind_the_worst_photo_comes_first(data, page, draw):
    for name, radius in (("soft", 3), ("lost", 12)):
        blurred = draw("box", "crimson", 1, (800, 600)).filter(ImageFilter.GaussianBlur(radius))
        blurred.save(data / f"A/ㄱ/{name}.jpg")
    section = page(data).partition("Blurred photos <span")[2]
    assert 0 < section.index("lost.jpg") < section.index("soft.jpg")


def test_notes_are_folded_away(data, page):
    shutil.copy(data / "A/ㄱ/img_000.jpg", data / "A/ㄱ/again.jpg")
    before, _, after = page(data).partition("Copies within one item")
    assert before.rindex("<details") > before.rindex("<section")
    assert "A/ㄱ/again.jpg" in after


def test_what_metadata_says_of_items_is_shown_in_the_language_of_the_page(data, page):
    (data / "metadata.json").write_text(
        '{"device": "Pixel 8", "places": {"A": {"description": {"ko": "1층", "en": "First floor"}, "items":'
        ' {"ㄱ": {"date": "2025-10-16", "description": {"ko": "청자", "en": "Celadon <bowl>"}}}}}}',
        encoding="utf-8",
    )
    english, korean = Reader(page(data)).text, Reader(page(data, "ko")).text
    assert "First floor" in english
    assert "ㄱ Celadon <bowl> Pixel 8, 2025-10-16" in english
    assert "ㄱ 청자 Pixel 8, 2025-10-16" in korean


def test_names_of_any_kind_are_shown_and_never_obeyed(data, page):
    names = ["<script>alert(1)<b>.jpg", "\"quotes' & more.jpg", "🏺 항아리.jpg", "{{ 7 * 7 }}.jpg"]
    for name in names:
        (data / "A/ㄱ" / name).write_bytes(b"")
    found = Reader(page(data))
    assert "script" not in {tag for tag, _ in found.tags}
    for name in names:
        assert name in found.text


def test_the_page_refers_to_nothing_outside_itself(data, page):
    found = page(data)
    reader = Reader(found)
    references = [
        attributes[name] for _, attributes in reader.tags for name in ("href", "src") if name in attributes
    ]
    assert references
    assert all(reference.startswith(("#", "data:image/jpeg;")) for reference in references)
    ids = {attributes["id"] for _, attributes in reader.tags if "id" in attributes}
    assert {reference[1:] for reference in references if reference.startswith("#")} <= ids
    assert not re.search(r"url\(|@import|https?://", found)


def test_the_page_does_not_say_where_the_photos_lie(data, page, tmp_path):
    (data / "A/ㄱ/img_000.jpg").write_bytes(b"")
    found = page(data)
    assert str(tmp_path) not in found
    assert tmp_path.name not in found


def test_thumbnails_are_small_and_carry_nothing_but_pixels(data, page, draw):
    exif = Image.Exif()
    exif[0x010F] = "Camera of A. Curator"
    exif.get_ifd(0x8825)[1] = "N"
    photo = draw("disc", "crimson", 99, (1600, 1200))
    comment = b"taken by A. Curator"
    photo.save(
        data / "A/ㄱ/a_tagged.jpg", exif=exif, xmp=b"<x:xmpmeta>A. Curator</x:xmpmeta>", comment=comment
    )
    found = thumbnails(page(data))
    assert found
    for small in found:
        assert max(small.size) <= 240
        assert dict(small.getexif()) == {}
        assert not {"exif", "xmp", "icc_profile", "comment", "photoshop"} & set(small.info)
        assert {segment for segment, _ in small.applist} <= {"APP0"}  # JFIF: the density, nothing else


def test_every_photo_is_embedded_once_however_often_it_is_shown(data, page):
    shutil.copy(data / "A/ㄱ/img_000.jpg", data / "A/ㄴ/wrong.jpg")
    found = page(data)
    references = re.findall(r'<use href="#(p\d+)"', found)
    assert len(references) > len(set(references)) == len(thumbnails(found))


def test_what_has_no_room_is_listed_by_name(build_museum, tmp_path, page):
    data = build_museum(tmp_path / "many", {"A": {"ㄱ": ("disc", "crimson")}}, photos=MOST_PHOTOS + 5)
    section = page(data).partition("Photos with few pixels <span")[2].partition("</section>")[0]
    assert section.count("<use") == MOST_PHOTOS
    assert "and 5 more" in section
    assert f"img_{MOST_PHOTOS + 4:03}.jpg" in section


def test_a_check_of_somebody_elses_plugin_is_shown_under_its_own_name_with_its_hint(data, page, install):
    code = (
        "from lens_core import hookimpl\nfrom lens_core.contracts import Finding\n"
        "@hookimpl\ndef check_photo(photo): return [Finding('tilt', 0.5, {'ko': '수평', 'en': 'Level it'})]\n"
    )
    install("ai-lens-level", code, "ai_lens.quality", "level")
    assert "tilt 8 " in Reader(page(data)).text
    assert "Level it" in Reader(page(data)).text
    assert "수평" in Reader(page(data, "ko")).text


def _checks_of_this_project():
    """The names that the code gives to what it finds."""
    folders = [ROOT / "lens_core/audit", *ROOT.glob("plugins/quality/*/src")]
    for path in (path for folder in folders for path in folder.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
                place = {"Remark": 1, "Finding": 0}.get(call.func.id)
                if place is not None and isinstance(call.args[place], ast.Constant):
                    yield call.args[place].value
    for error in all_errors():
        if issubclass(error, DataError) and error.code.startswith("E12"):
            yield error.code


def test_everything_the_project_can_find_has_a_title_and_advice_in_both_languages():
    checks = set(_checks_of_this_project())
    assert {"twins", "blur", "imbalance", "E120", "copy"} <= checks
    assert checks == set(KINDS)
    for texts in KINDS.values():
        assert set(texts) == {"ko", "en"}
        assert all(title and advice.endswith(".") for title, advice in texts.values())
    assert set(WORDS["ko"]) == set(WORDS["en"])


def _brightness(colour):
    digits = colour * 2 if len(colour) == 3 else colour
    parts = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_all_text_is_readable_by_light_and_by_night():
    """WCAG 2.2, 1.4.3: a contrast of 4.5 or more."""
    style = (ROOT / "lens_core/pages/base.css").read_text(encoding="utf-8")
    for scheme in re.findall(r":root \{(.*?)\}", style, re.DOTALL):
        colours = {name: _brightness(value) for name, value in re.findall(r"--(\w+): #(\w+);", scheme)}
        for ink in ("ink", "quiet", "error", "warning", "note"):
            for ground in ("page", "card", "mat"):
                light, dark = sorted((colours[ink], colours[ground]), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{ink} on {ground}"


def test_without_jinja_the_advice_names_what_to_install(data, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    dataset = scan(data)
    with pytest.raises(NotInstalledError) as refused:
        write_page(audit(dataset, 1), dataset, tmp_path / "page.html", "en")
    assert str(refused.value) == (
        "E410: An HTML page needs 'jinja2'. Try: pip install \"ai-lens-helper[report]\""
    )
    assert not (tmp_path / "page.html").exists()


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_a_browser_shows_the_photos(build_museum, tmp_path):
    """The colour of the exhibit, which stands nowhere in the style, is seen on the screen."""
    data = build_museum(
        tmp_path / "data", {"A": {"ㄱ": ("disc", "hotpink"), "ㄴ": ("box", "hotpink")}}, photos=2
    )
    dataset = scan(data)
    write_page(audit(dataset, 10), dataset, tmp_path / "page.html", "ko")
    command = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1000,1500",
        f"--user-data-dir={tmp_path / 'browser'}", f"--screenshot={tmp_path / 'page.png'}",
        (tmp_path / "page.html").as_uri(),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    with Image.open(tmp_path / "page.png") as screen:
        red, green, blue = np.moveaxis(np.asarray(screen.convert("RGB")), 2, 0)
    pink = (red > 220) & (green > 70) & (green < 140) & (blue > 140) & (blue < 210)
    assert pink.sum() > 2000
