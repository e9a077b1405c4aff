"""``ai-lens plugins list``: what is installed, from metadata alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lens_core.cli.plugins.flags import Json

if TYPE_CHECKING:
    from lens_core.plugins import Plugin


def list_plugins(as_json: Json = False) -> None:
    """Every installed plugin by family, from metadata alone: nothing is imported."""
    from lens_core.cli.say import table
    from lens_core.plugins import FAMILIES, find

    found = [plugin for family in FAMILIES for plugin in find(family)]
    twice = ambiguous_names(found)
    rows = [row(plugin, twice) for plugin in found]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    lines = [
        [p.family.name, p.name, f"{p.distribution} {p.version}", p.module, may_load(line)]
        for p, line in zip(found, rows, strict=True)
    ]
    print(table("Installed plugins", ["family", "name", "from", "module", "may load"], lines))


def ambiguous_names(plugins: list[Plugin]) -> set[tuple[str, str]]:
    """The (family, name) that more than one of the distributions that may load offer."""
    from lens_core.plugins import allowed

    offered = [(plugin.family.name, plugin.name) for plugin in plugins if allowed(plugin)]
    return {name for name in offered if offered.count(name) > 1}


def row(plugin: Plugin, twice: set[tuple[str, str]]) -> dict[str, Any]:
    """One plugin as ``--json`` shows it. Programs read these keys: add, never rename."""
    from lens_core.plugins import CORE, allowed

    offered_twice = (plugin.family.name, plugin.name) in twice
    return {
        "family": plugin.family.name,
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "module": plugin.module,
        "allowed": allowed(plugin),
        "ambiguous": offered_twice and plugin.distribution != CORE,  # a built-in name stays the built-in's
    }


def may_load(line: dict[str, Any]) -> str:
    """Whether choosing it by its name can work as far as metadata tells, in a word."""
    if not line["allowed"]:
        return "no: AI_LENS_PLUGINS"
    return "no: offered twice" if line["ambiguous"] else "yes"
