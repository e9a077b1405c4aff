"""``--require "top1>=0.9"``: figures that must be reached, so that a pipeline can stop where they are not."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from lens_core.errors import BadSettingError
from lens_core.evaluation.asked import UNKNOWN_KINDS

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
_WRITTEN = re.compile(r"\s*([\w.]+?)\s*(>=|<=|>|<)\s*([-+.\deE]+)\s*")


@frozen
class Requirement:
    """One figure and what it must be."""

    figure: str
    """``top1``, ``top1.low``, ``look_alike.accepted``, ``holdout.top1`` ..."""
    comparison: str
    bound: float

    def __str__(self) -> str:
        return f"{self.figure}{self.comparison}{self.bound:g}"

    @classmethod
    def read(cls, text: str) -> Requirement:
        """Raises BadSettingError (E600)."""
        written = _WRITTEN.fullmatch(text)
        try:
            if written and _figure(written[1]):
                return cls(written[1], written[2], float(written[3]))
        except ValueError:
            pass
        raise BadSettingError(f"'{text}' is no requirement.", "For example: --require 'top1>=0.9'")


_OF_EXHIBITS = ("top1", "top3", "map", "answered_right", "answered_wrong", "retaken", "calibration_error")
_OF_UNKNOWN = ("accepted", "auroc", "aupr", "eer", "fpr95")


def _figure(name: str) -> bool:
    """Whether there can be a figure of this name. Raises BadSettingError (E600) if not."""
    bare = name.removeprefix("holdout.").removesuffix(".low").removesuffix(".high")
    kind, _, figure = bare.rpartition(".")
    if bare in _OF_EXHIBITS or (kind in UNKNOWN_KINDS and figure in _OF_UNKNOWN):
        return True
    raise BadSettingError(
        f"There is no figure '{name}'.",
        f"There are {', '.join(_OF_EXHIBITS)}; {', '.join(_OF_UNKNOWN)} of {', '.join(UNKNOWN_KINDS)} "
        "(look_alike.auroc); each with .low and .high, and holdout. before it.",
    )


def figures_of(summary: Mapping[str, Any]) -> dict[str, float]:
    """Every figure of a summary by the name it can be required under.

    Those of the main protocol go by their own names (``top1``, ``look_alike.auroc``); ``holdout.`` stands
    for the mean over the places held out; ``.low`` and ``.high`` are the ends of the interval.
    """
    main, *others = summary["protocols"]
    values = dict(_named(main))
    held_out = [dict(_named(one)) for one in others]
    for name in dict.fromkeys(name for one in held_out for name in one):
        found = [one[name] for one in held_out if name in one]
        values[f"holdout.{name}"] = sum(found) / len(found)
    return values


def _named(protocol: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    groups = {"": protocol, **{f"{kind}.": of_kind for kind, of_kind in protocol["unknown"].items()}}
    for prefix, group in groups.items():
        for name, figure in group.items():
            if isinstance(figure, dict) and "value" in figure:
                yield f"{prefix}{name}", figure["value"]
                yield f"{prefix}{name}.low", figure["low"]
                yield f"{prefix}{name}.high", figure["high"]


def unmet(requirements: Sequence[Requirement], summary: Mapping[str, Any]) -> list[str]:
    """What falls short, in words. Raises BadSettingError (E600) for a figure that was not measured."""
    values = figures_of(summary)
    short = []
    for one in requirements:
        if one.figure not in values:
            known = ", ".join(name for name in values if not name.endswith((".low", ".high")))
            raise BadSettingError(f"There is no figure '{one.figure}'.", f"Measured here: {known}.")
        if not _OPERATORS[one.comparison](values[one.figure], one.bound):
            short.append(f"{one} is required; it is {values[one.figure]:.4g}")
    return short
