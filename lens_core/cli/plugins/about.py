"""What is known of a plugin: its distribution's metadata, and, once loaded, its hooks and options."""

from __future__ import annotations

import contextlib
import difflib
import re
from importlib import metadata
from typing import Any

import attrs

from lens_core.cli.plugins.attribute_docs import attribute_docs
from lens_core.cli.plugins.listing import ambiguous_names, row
from lens_core.errors import LensError, UnknownPluginError
from lens_core.plugins import FAMILIES, PUBLISHED, Driver, Plugin, choose, find, load


def named(name: str, family: str | None = None) -> list[Plugin]:
    """Every installed plugin that answers to ``name``, in one family or in all.

    Raises UnknownPluginError (E400), or NotInstalledError (E410) where it is known who publishes it.
    """
    key = name.partition(":")[0]
    families = [family] if family else list(FAMILIES)
    found = [plugin for each in families for plugin in find(each) if plugin.name == key]
    if not found:
        _say_what_is_missing(key, families)
    return found


def _say_what_is_missing(key: str, families: list[str]) -> None:
    for family in families:
        if key in PUBLISHED[family] or len(families) == 1:
            choose(family, key)  # raises, with the best advice there is
    names = sorted({plugin.name for family in families for plugin in find(family)})
    nearest = difflib.get_close_matches(key, names, n=1)
    advice = f"Did you mean '{nearest[0]}'?" if nearest else "See: ai-lens plugins"
    raise UnknownPluginError(f"No plugin is called '{key}'.", advice)


def describe(plugins: list[Plugin], name: str) -> list[dict[str, Any]]:
    """Everything about each; ``hooks`` and ``options`` are None where ``error`` says why it cannot load."""
    twice = ambiguous_names(plugins)
    return [
        row(plugin, twice) | _metadata(plugin.distribution) | _loaded(plugin.family.name, name)
        for plugin in plugins
    ]


def _metadata(distribution: str) -> dict[str, Any]:
    try:
        about = metadata.metadata(distribution)
    except (metadata.PackageNotFoundError, ValueError):  # half removed
        return {"summary": None, "home_page": None, "licence": None, "requires": []}

    def field(name: str) -> list[str]:
        return about.get_all(name) or []

    urls = [line.partition(", ")[::2] for line in field("Project-URL")]
    home = [url for label, url in urls if label.lower().replace("-", "").replace(" ", "") == "homepage"]
    homes = [*field("Home-page"), *home, *(url for _, url in urls)]
    return {
        "summary": next(iter(field("Summary")), None),
        "home_page": next(iter(homes), None),
        "licence": next(iter([*field("License-Expression"), *field("License")]), None),
        "requires": [line for line in field("Requires-Dist") if "extra ==" not in line],
    }


def _loaded(family: str, name: str) -> dict[str, Any]:
    try:
        driver = load(family, name)
        return {"hooks": _hooks(driver), "options": _options(driver.options_type(name)), "error": None}
    except LensError as error:
        return {"hooks": None, "options": None, "error": str(error)}


def _hooks(driver: Driver) -> list[str]:
    """The hooks that its module implements."""
    callers = [driver.manager.get_hookcallers(module) or [] for module in driver.manager.get_plugins()]
    return sorted(caller.name for group in callers for caller in group)


def _options(options_type: type[Any]) -> list[dict[str, Any]]:
    docs = attribute_docs(options_type)
    with contextlib.suppress(NameError):  # a type that its module imports for type checkers only
        attrs.resolve_types(options_type)
    return [
        {
            "name": option.name,
            "type": _words(option.type),
            "required": option.default is attrs.NOTHING,
            "default": _default(option),
            "help": docs.get(option.name, ""),
        }
        for option in attrs.fields(options_type)
    ]


def _words(kind: Any) -> str:
    """``float | None`` rather than ``typing.Optional[float]``."""
    if kind is None:
        return "any"
    return kind.__name__ if isinstance(kind, type) else re.sub(r"\b(?:typing|pathlib)\.", "", str(kind))


def _default(option: attrs.Attribute[Any]) -> Any:
    default: Any = option.default
    if default is attrs.NOTHING:
        return None
    made = isinstance(default, attrs.Factory) and not default.takes_self  # type: ignore[arg-type]
    return default.factory() if made else default
