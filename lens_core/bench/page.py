"""``bench.html``: the recommendation, accuracy against speed, all figures, and how they were measured."""

from __future__ import annotations

from pathlib import Path

from lens_core.artifacts.atomic import atomic_write
from lens_core.bench import picture
from lens_core.bench.recommend import ALLOWED_LOSS
from lens_core.bench.report import Bench
from lens_core.bench.words import WORDS
from lens_core.pages.page import render
from lens_core.settings import Lang

NAME = "bench.html"


def write_page(found: Bench, path: Path, lang: Lang) -> None:
    """Write one HTML file that needs no network and no script.

    Raises NotInstalledError (E410) without Jinja2, CannotWriteError (E700).
    """
    chosen = found.recommended
    drawn = [picture.draw(found.rows, figure, chosen.row if chosen else None) for figure in ("top1", "auroc")]
    page = render(
        "lens_core.bench",
        "bench.html",
        "bench.css",
        lang=lang,
        words=WORDS[lang],
        photos={},
        found=found,
        chosen=chosen,
        allowed=ALLOWED_LOSS,
        picture=picture,
        drawn=[one for one in drawn if one],
    )
    atomic_write(path, page)
