"""Two evaluations of the same photos, photo by photo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
from attrs import frozen
from scipy.stats import binomtest

from lens_core.contracts import Rows
from lens_core.errors import NotEnoughPhotosError
from lens_core.evaluation.answers import Line
from lens_core.evaluation.asked import EXHIBIT, UNKNOWN_KINDS
from lens_core.evaluation.bootstrap import CONFIDENCE, Figure, Resamples, interval, share
from lens_core.evaluation.judged import Flags
from lens_core.evaluation.past import Past

Pair = tuple[Line, Line]
_NAMES = ("protocol", "held_out", "kind", "place", "photo")


@frozen
class Difference:
    """One figure of both runs, and by how much the second is higher, with its 95 % interval."""

    protocol: str
    held_out: str | None
    figure: str
    photos: int
    first: float
    second: float
    difference: Figure
    chance: float
    """How likely so many shots would turn the same way if neither run were better: the sign test's p."""

    @property
    def is_clear(self) -> bool:
        """The interval does not hold zero, and chance alone would seldom do it."""
        apart = self.difference["low"] > 0 or self.difference["high"] < 0
        return apart and self.chance < 1 - CONFIDENCE


@frozen
class Change:
    """A question that the two answer differently."""

    protocol: str
    place: str
    photo: str
    kind: str
    item: str | None
    first: str | None
    """The item that the first selects; None: recollect."""
    second: str | None
    turn: str
    """``better``, ``worse`` or ``other``: neither answer is right, or none is wrong."""


@frozen
class Comparison:
    """What changed from the first run to the second."""

    questions: int
    """Asked in both."""
    only_first: int
    only_second: int
    same_photos: bool
    """The exhibits' photos are the very same."""
    differences: tuple[Difference, ...]
    changes: tuple[Change, ...]
    """The worse first."""

    def to_dict(self) -> dict[str, Any]:
        return attrs.asdict(self)


def compare(first: Past, second: Past, seed: int = 42) -> Comparison:
    """Raises NotEnoughPhotosError (E160) when no photo was asked in both."""
    before, after = ({_key(line): line for line in past.lines} for past in (first, second))
    shared = [key for key in before if key in after]
    if not shared:
        raise NotEnoughPhotosError(
            f"{first.folder} and {second.folder} have no question in common.",
            "Evaluate both on the same photos, in the same way.",
        )
    pairs = [(before[key], after[key]) for key in shared]
    changes = [change for pair in pairs if (change := _change(pair))]
    hashes = [past.summary["about"]["data_hash"] for past in (first, second)]
    return Comparison(
        len(shared),
        len(before) - len(shared),
        len(after) - len(shared),
        hashes[0] == hashes[1],
        tuple(_differences(pairs, seed)),
        tuple(sorted(changes, key=lambda change: ("worse", "better", "other").index(change.turn))),
    )


def _key(line: Line) -> tuple[str, ...]:
    return tuple(str(line[name]) for name in _NAMES)


def _differences(pairs: list[Pair], seed: int) -> Iterator[Difference]:
    for protocol, held_out in dict.fromkeys((one["protocol"], one["held_out"]) for one, _ in pairs):
        here = [pair for pair in pairs if (pair[0]["protocol"], pair[0]["held_out"]) == (protocol, held_out)]
        for kind, figures in _FIGURES.items():
            of_kind = [pair for pair in here if pair[0]["kind"] == kind]
            for name, holds in figures.items() if of_kind else ():
                flags = [np.array([holds(pair[side]) for pair in of_kind]) for side in (0, 1)]
                shots = np.array([pair[0]["shot"] for pair in of_kind])
                yield Difference(
                    protocol, held_out, name, len(of_kind),
                    round(float(flags[0].mean()), 4), round(float(flags[1].mean()), 4),
                    *_paired(flags[0], flags[1], shots, seed),
                )  # fmt: skip


def _paired(first: Flags, second: Flags, shots: Rows, seed: int) -> tuple[Figure, float]:
    """(the difference with its interval, the sign test's p)."""
    gain = second.astype(np.float64) - first
    per_shot = np.sign(np.bincount(np.unique(shots, return_inverse=True)[1], gain))
    better, turned = int((per_shot > 0).sum()), int((per_shot != 0).sum())
    chance = float(binomtest(better, turned).pvalue) if turned else 1.0
    if np.ptp(gain) == 0:  # the bootstrap sees no doubt where all agree; as many shots leave some
        agreed, doubt = float(gain[0]), 1 - share(np.ones(len(gain), bool), shots, seed)["low"]
        low, high = max(-1.0, agreed - doubt), min(1.0, agreed + doubt)
        return {"value": agreed, "low": round(low, 4), "high": round(high, 4)}, chance
    weights = Resamples([shots], seed).weights
    return interval(float(gain.mean()), (weights @ gain) / weights.sum(axis=1)), chance


def _named_right(line: Line) -> bool:
    return bool(line["best_item"] == line["item"])


def _answered_right(line: Line) -> bool:
    return bool(line["selected_item"] == line["item"])


def _accepted(line: Line) -> bool:
    return line["selected_item"] is not None


def _answered_wrong(line: Line) -> bool:
    return _accepted(line) and not _answered_right(line)


def _retaken(line: Line) -> bool:
    return not _accepted(line)


_FIGURES = {
    EXHIBIT: {
        "top1": _named_right,
        "answered_right": _answered_right,
        "answered_wrong": _answered_wrong,
        "retaken": _retaken,
    },
    **{kind: {f"{kind}.accepted": _accepted} for kind in UNKNOWN_KINDS},
}


def _change(pair: Pair) -> Change | None:
    one, other = pair
    if one["selected_item"] == other["selected_item"]:
        return None
    values = [_worth(line) for line in pair]
    turn = "other" if values[0] == values[1] else "better" if values[1] > values[0] else "worse"
    return Change(
        one["protocol"], one["place"], one["photo"], one["kind"], one["item"],
        one["selected_item"], other["selected_item"], turn,
    )  # fmt: skip


def _worth(line: Line) -> int:
    """A wrong answer is worse than a retake, and a right one better."""
    if not _accepted(line):
        return 0
    return 1 if line["kind"] == EXHIBIT and _answered_right(line) else -1
