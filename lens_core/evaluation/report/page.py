"""The page that a curator reads with pleasure and an engineer trusts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from lens_core.artifacts.atomic import atomic_write
from lens_core.audit.page_words import kind as kind_words
from lens_core.audit.remarks import Level
from lens_core.evaluation.bootstrap import Figure
from lens_core.evaluation.evaluation import Evaluation
from lens_core.evaluation.report import charts
from lens_core.evaluation.report.confusion import matrices
from lens_core.evaluation.report.examples import (
    ConfusedPair,
    Gallery,
    Mistake,
    WeakItem,
    confused_pairs,
    mistakes,
    weak_items,
)
from lens_core.evaluation.report.photo_map import photo_map
from lens_core.evaluation.report.words import KINDS, KINDS_ARE, WORDS
from lens_core.pages.page import Script, pictures, render
from lens_core.settings import Lang, Settings, recorded

_GOOD, _FAIR = 0.85, 0.6
"""Top-1 from which the heading is content."""
_MOST_WEAK = 12
_SCRIPT = Path(__file__).with_name("report.js")


@frozen
class DataWarning:
    """What the audit has found, one check at a time."""

    level: Level
    title: str
    count: int


def write_report(found: Evaluation, path: Path, lang: Lang) -> None:
    """Write one HTML file that needs no network; it says the same with and without scripts.

    Photos are named as inside the data folder, and their small copies carry no EXIF. Raises
    NotInstalledError (E410), CannotWriteError (E700).
    """
    gallery = Gallery.of(found.main.answers)
    weak, pairs = weak_items(found, gallery), confused_pairs(found.main.answers, gallery)
    wrong = mistakes(found.main.answers, gallery)
    shown = dict.fromkeys([*_of_weak(weak[:_MOST_WEAK]), *_of_pairs(pairs), *_of_mistakes(wrong)])
    drawn = photo_map(found)
    page = render(
        "lens_core.evaluation.report",
        "report.html",
        "report.css",
        Script(_SCRIPT.read_text(encoding="utf-8")),
        lang=lang,
        words=WORDS[lang],
        kinds=KINDS[lang],
        kinds_are=KINDS_ARE[lang],
        found=found,
        main=found.main,
        verdict=_verdict(found.main.figures["top1"]),
        percent=percent,
        hundred=hundred,
        spread=spread,
        promise=_promise(found, lang),
        weak=weak,
        most_weak=_MOST_WEAK,
        pairs=pairs,
        wrong=wrong,
        matrices=matrices(found.main.answers),
        distributions=charts.distributions(found.main.answers),
        plots=_plots(found),
        surface=charts.surface(found.main.answers.judged, found.rule.thresholds),
        charts=charts,
        map=drawn,
        data_warnings=list(_data_warnings(found, lang)),
        settings=_unusual(found.about.settings),
        photos=pictures({name: found.files[name] for name in shown}) | (drawn.pictures if drawn else {}),
    )
    atomic_write(path, page)


def percent(share: float, digits: int = 0) -> str:
    """``87 %``."""
    return f"{100 * share:.{digits}f} %"


def hundred(share: float) -> str:
    """Of a hundred; small shares are not rounded away: ``73``, ``0.3``, ``0``."""
    value = 100 * share
    return f"{value:.0f}" if value >= 1 or value == 0 else f"{value:.1f}"


def spread(figure: Figure, words: dict[str, str]) -> str:
    """``95 % interval 85 % to 90 %``."""
    return words["interval"].format(low=percent(figure["low"]), high=percent(figure["high"]))


def _verdict(top1: Figure) -> str:
    return "good" if top1["value"] >= _GOOD else "fair" if top1["value"] >= _FAIR else "poor"


def _promise(found: Evaluation, lang: Lang) -> str:
    promised = found.about.guarantee
    if not promised:
        return WORDS[lang]["no_promise"]
    names = ", ".join(f"“{KINDS[lang][kind]}”" for kind in promised["bounds"])
    rate, confidence = percent(promised["max_false_accept"], 1), percent(promised["confidence"])
    return WORDS[lang]["promise"].format(kinds=names, rate=rate, confidence=confidence)


def _plots(found: Evaluation) -> list[charts.Chart]:
    answers = found.main.answers
    trade_off = charts.trade_off(answers.judged, found.rule.thresholds)
    return [
        *charts.curves(answers),
        *([trade_off] if trade_off else []),
        charts.calibration(answers.judged),
    ]


def _of_weak(weak: list[WeakItem]) -> Iterator[str]:
    for one in weak:
        yield one.photo
        yield from filter(None, [one.other])


def _of_pairs(pairs: list[ConfusedPair]) -> Iterator[str]:
    for pair in pairs:
        yield from pair.references
        yield from (photo for photo, _ in pair.mistaken)


def _of_mistakes(wrong: dict[str, list[Mistake]]) -> Iterator[str]:
    for those in wrong.values():
        for mistake in those:
            yield mistake.photo
            yield from filter(None, [mistake.other])


def _data_warnings(found: Evaluation, lang: Lang) -> Iterator[DataWarning]:
    for level in ("error", "warning"):
        checks = Counter(remark.check for remark in found.audit.of_level(level))
        for check, count in checks.most_common():
            yield DataWarning(level, kind_words(check, lang)[0], count)


def _unusual(settings: Any) -> dict[str, Any]:
    """What was set otherwise than usual, by dotted key."""
    usual = recorded(Settings())
    return dict(_differing(usual, dict(settings), ""))


def _differing(usual: dict[str, Any], own: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in own.items():
        before = usual.get(key)
        if isinstance(value, dict) and isinstance(before, dict) and before:
            yield from _differing(before, value, f"{prefix}{key}.")
        elif value != before:
            yield f"{prefix}{key}", value
