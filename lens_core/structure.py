"""The one converter from loose values (YAML, JSON, flags) to typed ones, and its errors in plain words."""

from __future__ import annotations

from typing import Any

import cattrs


def _strict_converter() -> cattrs.Converter:
    """Like cattrs' own, but ``"3"`` is no number, ``1`` is not true and ``true`` is not 1."""
    converter = cattrs.Converter()

    def strict(expected: type, words: str, also: tuple[type, ...] = ()) -> None:
        def structure(value: Any, _: Any) -> Any:
            if (isinstance(value, bool) and expected is not bool) or not isinstance(value, (expected, *also)):
                raise ValueError(f"expected {words}, got {value!r}")
            return expected(value)

        converter.register_structure_hook(expected, structure)

    strict(bool, "true or false")
    strict(int, "a whole number")
    strict(float, "a number", also=(int,))
    strict(str, "text")
    return converter


converter = _strict_converter()


def explain(error: Exception) -> str:
    """What was wrong, with the path to it where there is one: ``opset: 'opset' must be >= 13: 12``."""
    lines = cattrs.transform_error(error, format_exception=lambda problem, _: _plain(problem))
    return "; ".join(line.replace(" @ $.", ", at ").replace(" @ $", "") for line in lines)


def _plain(problem: BaseException) -> str:
    if isinstance(problem, KeyError):
        return f"{problem} is missing"
    if isinstance(problem, cattrs.ForbiddenExtraKeysError):
        return f"there is no {', '.join(repr(key) for key in sorted(problem.extra_fields))} here"
    # attrs' validators put the attribute and the value behind the message.
    first = problem.args[0] if isinstance(problem, ValueError) and problem.args else problem
    return str(first) or type(problem).__name__
