"""``ai-lens plugins info``: one plugin, its metadata, hooks and options."""

from __future__ import annotations

import json
from typing import Any

from lens_core.cli.plugins import flags, listing


def info(name: flags.Name, family: flags.Family = None, as_json: flags.Json = False) -> None:
    """Where a plugin comes from, what it implements and its options. This loads it."""
    from lens_core.cli.plugins.about import describe, named

    found = describe(named(name, family), name)
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=1, default=str))
    else:
        print("\n\n".join("\n".join(_lines(about)) for about in found))


def _lines(about: dict[str, Any]) -> list[str]:
    known = {
        "from": f"{about['distribution']} {about['version']}",
        "summary": about["summary"],
        "home page": about["home_page"],
        "licence": about["licence"],
        "requires": ", ".join(about["requires"]),
        "module": about["module"],
        "may load": listing.may_load(about),
        "implements": ", ".join(about["hooks"] or []),
        "error": about["error"],
    }
    lines = [f"{about['family']} '{about['name']}'"]
    lines += [f"  {label:<11} {value}" for label, value in known.items() if value]
    if about["options"] is not None:
        lines.append("  options" if about["options"] else "  options     none")
    for option in about["options"] or []:
        lines += _option(option)
    return lines


def _option(option: dict[str, Any]) -> list[str]:
    default = "(required)" if option["required"] else f"= {option['default']!r}"
    lines = [f"    {option['name']}: {option['type']} {default}"]
    return [*lines, f"        {option['help'].replace('``', '`')}"] if option["help"] else lines
