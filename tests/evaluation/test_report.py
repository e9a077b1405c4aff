"""The report: says what was measured, shows the photos, needs no network, reads well everywhere."""

from __future__ import annotations

import base64
import io
import re
import shutil
from html.parser import HTMLParser

import attrs
import numpy as np
import pytest
from PIL import Image

from lens_core.cli.evaluate import run_evaluation
from lens_core.evaluation.report import charts
from lens_core.evaluation.report.confusion import matrices
from lens_core.evaluation.report.examples import Gallery, confused_pairs, mistakes
from lens_core.evaluation.report.page import write_report
from lens_core.evaluation.report.words import KINDS, KINDS_ARE, WORDS

CHROMIUM = shutil.which("chromium")
TWINS = {
    "A": {"ㄱ": ("disc", "crimson"), "ㄱ2": ("disc", "firebrick"), "ㄷ": ("tent", "teal")},
    "B": {"ㄱ": ("box", "navy"), "주전자": ("disc", "lime")},
}


@pytest.fixture(scope="module")
def found(build_museum, tiny_settings, tmp_path_factory):
    """An evaluation of a museum with twins: some photos are mistaken."""
    data = build_museum(tmp_path_factory.mktemp("twins") / "data", TWINS)
    walls = data / "ood"
    walls.mkdir()
    for seed in range(6):
        rough = np.random.default_rng(seed).integers(60, 200, (12, 16, 3), np.uint8)
        photo = Image.fromarray(rough).resize((160, 120))
        photo.save(walls / f"wall {seed}.jpg", exif=_with_gps())
    return run_evaluation(tiny_settings, data, None, tmp_path_factory.mktemp("report"))


def _with_gps():
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[1] = "N"
    return exif.tobytes()


@pytest.fixture(scope="module")
def pages(found, tmp_path_factory):
    """The same in both languages."""
    folder = tmp_path_factory.mktemp("reports")
    for lang in ("ko", "en"):
        write_report(found, folder / f"{lang}.html", lang)
    return {lang: (folder / f"{lang}.html").read_text(encoding="utf-8") for lang in ("ko", "en")}


class Text(HTMLParser):
    """What a reader without scripts reads, tags and hidden code left out."""

    def __init__(self, page):
        super().__init__()
        self.words, self.hidden = [], 0
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.hidden += tag in ("style", "script")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("style", "script")

    def handle_data(self, data):
        if not self.hidden:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def test_the_summary_says_what_was_measured(found, pages):
    text = Text(pages["en"]).text
    figures = found.main.figures
    for key, words in (("answered_right", "answered rightly"), ("answered_wrong", "answered wrongly")):
        share = 100 * figures[key]["value"]
        shown = f"{share:.0f}" if share >= 1 or share == 0 else f"{share:.1f}"
        low, high = (f"{100 * figures[key][end]:.0f} %" for end in ("low", "high"))
        assert f"{shown} {words} 95 % interval {low} to {high}" in text
    assert "Measured on 50 photos of 5 items." in text


def test_every_item_and_place_has_its_row(found, pages):
    text = Text(pages["en"]).text
    for protocol in found.protocols:
        for item in protocol.items:
            low, high = (f"{100 * end:.0f} %" for end in (item.recall_low, item.recall_high))
            assert f"{item.item} {item.photos} {100 * item.recall:.0f} % {low}–{high}" in text


def test_the_confused_pairs_are_shown_with_their_photos(found, pages):
    answers = found.main.answers
    table = answers.judged
    pairs = confused_pairs(answers, Gallery.of(answers))
    assert pairs, "these twins are confused"
    assert set(pairs[0].items) == {"ㄱ", "ㄱ2"}
    wrong = table.exhibits & ~table.best_right
    assert {photo for pair in pairs for photo, _ in pair.mistaken} <= set(table.photo[wrong].tolist())
    drawn = set(re.findall(r"<title>([^<]+)</title><use href=\"#p\d+\"", pages["ko"]))
    assert {photo for pair in pairs for photo, _ in pair.mistaken} <= drawn


def test_the_surest_mistakes_come_first_and_each_photo_once(found):
    for those in mistakes(found.main.answers, Gallery.of(found.main.answers)).values():
        sure = [one.sure for one in those]
        assert sure == sorted(sure, reverse=True)
        assert len({one.photo for one in those}) == len(those)


def test_the_matrix_counts_every_photo(found):
    for matrix in matrices(found.main.answers):
        here = found.main.answers.judged
        photos = int((here.exhibits & (here.place == matrix.place)).sum())
        assert sum(cell.photos for cell in matrix.cells) == photos
        right = sum(cell.photos for cell in matrix.cells if cell.row == cell.column)
        assert right == int((here.best_right & (here.place == matrix.place)).sum())


def test_the_distribution_and_the_curves_are_those_of_the_answers(found):
    answers = found.main.answers
    shown = {one.name: one for one in charts.distributions(answers)}
    assert set(shown) == {"exhibit", "look_alike", "other_place", "ood"}
    for name, one in shown.items():
        flags = answers.judged.kind == name
        assert sum(one.shares) == pytest.approx(1)
        assert one.accepted == answers.accepted[flags].mean()
    roc = next(chart for chart in charts.curves(answers) if chart.key == "roc")
    for line in roc.lines:
        x, y = np.array(line.points).T
        assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
        area = float(np.trapezoid(y, x))
        assert area == pytest.approx(found.main.figures["unknown"][line.name]["auroc"]["value"], abs=0.02)


def test_the_operating_point_lies_on_its_curve(found):
    chart = charts.trade_off(found.main.answers.judged, found.rule.thresholds)
    for line in chart.lines:
        gaps = [abs(line.marked[0] - x) + abs(line.marked[1] - y) for x, y in line.points]
        assert min(gaps) < 0.03


def test_both_languages_say_everything(pages):
    assert set(WORDS["ko"]) == set(WORDS["en"])
    assert set(KINDS["ko"]) == set(KINDS["en"])
    assert set(KINDS_ARE["ko"]) == set(KINDS_ARE["en"])
    assert '<html lang="ko">' in pages["ko"]
    assert "관람객이 찍은 작품 사진 100장이면" in Text(pages["ko"]).text
    for key in WORDS["ko"]:
        if key not in ("precision_recall_x", "roc_x") and WORDS["ko"][key] == WORDS["en"][key]:
            assert key == "rule", f"{key} is not translated"


def test_the_page_needs_nothing_from_outside(pages):
    for page in pages.values():
        links = re.findall(r"""(?:href|src|action)=["']([^"']*)""", page)
        assert all(link.startswith(("#", "data:image/jpeg;base64,")) or not link for link in links)
        assert "url(" not in page
        assert "@import" not in page
        policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
        assert policy.startswith("default-src 'none'; img-src data:;")
        assert "unsafe-inline" not in policy.split("script-src")[1]


def test_the_photos_carry_nothing_but_pixels_and_no_path_of_this_machine(found, pages):
    page = pages["ko"]
    encoded = re.findall(r"data:image/jpeg;base64,([^\"]+)", page)
    assert len(encoded) > 50
    for text in encoded:
        content = base64.b64decode(text)
        assert b"SecretCamera" not in content
        with Image.open(io.BytesIO(content)) as image:
            assert not image.getexif()
            assert "exif" not in image.info
    assert str(next(iter(found.files.values())).parents[2]) not in page


def test_hostile_names_are_text(found, tmp_path):
    evil = "<script>alert(1)</script>\"'&" + "x" * 150
    table = found.main.answers.judged
    renamed = attrs.evolve(table, item=np.where(table.item == "ㄱ", evil, table.item))
    answers = attrs.evolve(found.main.answers, judged=renamed)
    items = tuple(attrs.evolve(one, item=evil) if one.item == "ㄱ" else one for one in found.main.items)
    main = attrs.evolve(found.main, answers=answers, items=items)
    write_report(attrs.evolve(found, protocols=(main, *found.protocols[1:])), tmp_path / "r.html", "en")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_without_photos_to_refuse_and_without_a_map_it_still_reads(found, tmp_path):
    answers = found.main.answers.only(found.main.answers.judged.exhibits)
    bare = attrs.evolve(found.main, answers=answers, figures={**found.main.figures, "unknown": {}})
    write_report(attrs.evolve(found, protocols=(bare,), map=None), tmp_path / "r.html", "en")
    text = Text((tmp_path / "r.html").read_text(encoding="utf-8")).text
    assert WORDS["en"]["charts_none"] in text
    assert WORDS["en"]["map"] not in text


def test_a_model_without_mistakes_is_told_so(found, tmp_path):
    answers = found.main.answers
    keep = answers.right | ~answers.accepted & answers.judged.best_right
    main = attrs.evolve(found.main, answers=answers.only(keep), items=())
    write_report(attrs.evolve(found, protocols=(main,)), tmp_path / "r.html", "en")
    text = Text((tmp_path / "r.html").read_text(encoding="utf-8")).text
    for key in ("no_weak", "no_confused", "no_mistakes"):
        assert WORDS["en"][key] in text


def test_a_promise_is_said_in_plain_words(found, tmp_path):
    promise = {"max_false_accept": 0.05, "confidence": 0.95, "bounds": {"ood": {}}}
    about = attrs.evolve(found.about, guarantee=promise)
    write_report(attrs.evolve(found, about=about), tmp_path / "r.html", "en")
    text = Text((tmp_path / "r.html").read_text(encoding="utf-8")).text
    assert "of “Photos of no exhibit”, at most 5.0 % get an answer (95 % confidence)" in text


def test_five_hundred_items_stay_small_enough_to_open(found, tmp_path):
    """Two mistakes for each of 500 items of one place."""
    table = found.main.answers.judged
    base = found.main.answers.only(np.flatnonzero(table.exhibits)[np.zeros(5000, int)])
    names = np.array([f"item {number // 10:03}" for number in range(5000)])
    best = names.copy()
    best[::5] = np.roll(names, 10)[::5]
    judged = attrs.evolve(base.judged, item=names, best_item=best)
    answers = attrs.evolve(base, judged=judged, selected=best)
    items = tuple(attrs.evolve(found.main.items[0], item=f"item {number:03}") for number in range(500))
    main = attrs.evolve(found.main, answers=answers, items=items)
    write_report(attrs.evolve(found, protocols=(main,)), tmp_path / "r.html", "en")
    assert (tmp_path / "r.html").stat().st_size < 15e6
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert page.count('<rect class="miss"') == 500


@pytest.fixture(scope="module")
def browser():
    """A real one."""
    if not CHROMIUM:
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, found, tmp_path):
    """``opened(lang, width=1280, **context)``: the report in a browser; its script may report no error."""
    contexts, errors = [], []

    def open_page(lang, width=1280, **more):
        write_report(found, tmp_path / f"{lang}.html", lang)
        context = browser.new_context(viewport={"width": width, "height": 900}, **more)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((tmp_path / f"{lang}.html").as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("lang", ["ko", "en"])
def test_axe_finds_nothing_to_complain_of(opened, lang, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(lang, width, color_scheme=scheme, bypass_csp=True)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    violations = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:120]) for one in violations] == []
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wider) <= 0, "nothing sticks out sideways"


def test_pointing_at_a_dot_shows_its_photo_and_so_do_the_arrow_keys(opened):
    page = opened("en")
    peek = page.locator(".peek")
    assert peek.is_hidden()
    page.locator(".map [data-picture]").first.hover(force=True)
    assert peek.is_visible()
    page.locator(".map").focus()
    page.keyboard.press("ArrowRight")
    first = page.locator(".peek-text").text_content()
    page.keyboard.press("ArrowRight")
    assert first
    assert peek.is_visible()
    page.keyboard.press("Escape")
    assert peek.is_hidden()


def test_the_matrix_grows_by_its_button_and_names_what_is_pointed_at(opened):
    page = opened("en")
    figure = page.locator(".matrix").first
    drawing = figure.locator(".field svg").first
    before = drawing.bounding_box()["width"]
    figure.get_by_role("button", name="Larger").click()
    assert drawing.bounding_box()["width"] > before
    figure.locator("g").first.hover()
    assert "→" in figure.locator("output").text_content()


def test_without_scripts_everything_but_the_extras_is_there(opened):
    page = opened("en", java_script_enabled=False)
    assert page.locator("h1").is_visible()
    assert page.get_by_role("button", name="Larger").count() == 0
    for section in ("summary", "to_do", "confused", "mistakes", "matrix", "charts", "places", "provenance"):
        assert page.locator(f"#{section}").is_visible()
    assert page.locator(".pairs image, .pairs use").count() > 0
