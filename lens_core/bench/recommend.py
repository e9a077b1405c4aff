"""Which file to take, and why."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from lens_core.bench.row import Measured, Row
from lens_core.bench.words import WORDS

ALLOWED_LOSS = 1.0
"""Percentage points of any figure; as much as the gate of int8 exports allows."""
_AS_FAST = 1.1
"""Within a tenth of the fastest, the file that loses least is taken: that little is nobody's gain."""


@frozen
class Recommendation:
    """A file, and the reasons by language."""

    row: Row
    why: dict[str, str]


def recommend(rows: Sequence[Row]) -> Recommendation | None:
    """The fastest file that loses no more than is allowed; None where there is none.

    What takes photos at another size than the model was trained for cannot be used as it is: where it would
    be faster, the reasons say how to get it.
    """
    measured = [(row, row.measured) for row in rows if row.measured]
    good = [(row, found) for row, found in measured if row.lost is not None and row.lost <= ALLOWED_LOSS]
    usable = [(row, found) for row, found in good if not row.candidate.resized]
    if not usable:
        return None
    limit = _AS_FAST * min(found.network.p50 for _, found in usable)
    as_fast = [(row, found) for row, found in usable if found.network.p50 <= limit]
    row, found = min(as_fast, key=lambda one: (one[0].lost, one[1].network.p50))
    others = [
        (other, its)
        for other, its in measured
        if its.network.p50 * _AS_FAST < found.network.p50
        and ((other, its) in good or not other.candidate.resized)
    ]
    return Recommendation(row, {lang: _why(lang, row, found, measured, others) for lang in WORDS})


def _why(
    lang: str,
    row: Row,
    found: Measured,
    measured: Sequence[tuple[Row, Measured]],
    faster: Sequence[tuple[Row, Measured]],
) -> str:
    words = WORDS[lang]
    slowest, slow = max(
        ((other, its) for other, its in measured if not other.candidate.resized),
        key=lambda one: one[1].network.p50,
    )
    sentences = [
        words["alone"].format(ms=found.network.p50)
        if slowest is row
        else words["fastest"].format(
            ms=found.network.p50, other=slowest.candidate.name, other_ms=slow.network.p50
        )
    ]
    same = found.precision in ("fp32", "fp16")
    sentences.append(words["same"] if same else words["loses"].format(lost=row.lost, allowed=ALLOWED_LOSS))
    for other, its in faster:
        told = {"file": other.candidate.name, "ms": its.network.p50, "size": its.size, "lost": other.lost}
        if other.lost is None:
            sentences.append(words["unknown"].format(**told))
        elif other.lost > ALLOWED_LOSS:
            sentences.append(words["loses_more"].format(**told))
        else:
            sentences.append(words["resized"].format(**told))
    if row.candidate.made_by:
        sentences.append(words["make_it"].format(command=row.candidate.made_by))
    return " ".join(sentences)
