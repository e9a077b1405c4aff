"""The strings below the attributes of a class, which Python itself forgets."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import Any


def attribute_docs(cls: type[Any]) -> dict[str, str]:
    """What the source says below each attribute, its base classes' too; empty where there is no source."""
    found: dict[str, str] = {}
    for each in reversed(cls.__mro__):
        found.update(_own(each))
    return found


def _own(cls: type[Any]) -> dict[str, str]:
    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0].body  # type: ignore[attr-defined]
    except (OSError, TypeError, SyntaxError):  # built in, compiled, or made by a function
        return {}
    return {
        ast.unparse(attribute.target): " ".join(below.value.value.split())
        for attribute, below in pairwise(body)
        if isinstance(attribute, ast.AnnAssign)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }
