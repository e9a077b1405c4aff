"""Write docs/reference from the code, and check that what the other pages say is still there.

python docs/generate.py           writes the pages (``make docs``)
python docs/generate.py --check   writes nothing; exits 1 naming each stale page, dead link and unknown flag
"""

from __future__ import annotations

import inspect
import json
import sys
import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import attrs
from claims import ROOT, commands, complaints, prose

from lens_core import contracts, errors, hookspecs, settings
from lens_core.cli.infer import RECOLLECTED
from lens_core.cli.plugins.attribute_docs import attribute_docs
from lens_core.plugins import FAMILIES

REFERENCE = ROOT / "docs" / "reference"
SCHEMA = ROOT / "lens_core" / "evaluation" / "summary.schema.json"
WIDTH = 110
MADE = "<!-- Made by docs/generate.py from the code: run `make docs`, do not edit. -->"

# What a successful or an interrupted command, or a mistyped one, exits with; errors carry their own status.
OTHER_EXITS = {
    0: "It did what was asked; a `recollect` is a result.",
    1: "A bug in ai-lens. Run the command again with `--debug` and report what it prints.",
    2: "Wrong usage.",
    errors.BATCH_HAD_FAILURES: "`infer-batch` finished, but could not read some photos; their lines say why.",
    errors.PHOTOS_HAVE_WARNINGS: "`validate-data` has warnings to look at; none stops training.",
    errors.REQUIREMENT_NOT_MET: "`evaluate --require`: a figure falls short. `checklist`: a tick is missing.",
    RECOLLECTED: "`infer --fail-on-recollect` answered `recollect`.",
}

# Environment variables that are no settings (lens_core.settings.NOT_SETTINGS).
SWITCHES = {
    "AI_LENS_CACHE_DIR": "Folder for what can be made again: features of photos, unpacked indexes, which "
    "file is the fastest. Default: the platform's cache folder.",
    "AI_LENS_DEBUG": "`1` shows the traceback when something fails, as `--debug` does.",
    "AI_LENS_PLUGINS": "Distributions whose plugins may load, separated by commas. Default: all.",
    "AI_LENS_TRACE": "`1` prints each plugin call and its answer to standard error.",
}

# Which contract each hook's answer keeps; what is printed is the contract's own source.
CONTRACTS = (
    contracts.NoOptions,
    contracts.BackboneOptions,
    contracts.Backbone,
    contracts.Preprocess,
    contracts.Loss,
    contracts.ClassScorer,
    contracts.VectorIndex,
    contracts.StoredIndex,
    contracts.Exporter,
    contracts.Quantizer,
    contracts.HalfPrecision,
    contracts.SpecChecker,
    contracts.Runtime,
    contracts.Tracker,
    contracts.Photo,
    contracts.Finding,
)


def pages() -> dict[Path, str]:
    """Every generated page."""
    texts = {"errors": errors_page, "settings": settings_page, "commands": commands_page, "hooks": hooks_page}
    made = {REFERENCE / f"{name}.md": f"{MADE}\n{make()}" for name, make in texts.items()}
    return made | {REFERENCE / SCHEMA.name: SCHEMA.read_text(encoding="utf-8")}


# --- errors.md ---------------------------------------------------------------------------------------------


def errors_page() -> str:
    lines = [
        "# Errors and exit statuses",
        "",
        "A mistake that can be put right prints one line to standard error: the code, what happened, what to",
        "do. `--debug` (or `AI_LENS_DEBUG=1`) shows the traceback as well.",
        "",
        "| exit status | when |",
        "|---|---|",
    ]
    families = [
        (family, list(members)) for family, members in groupby(errors.all_errors(), lambda e: e.code[:2])
    ]
    exits = dict(OTHER_EXITS)
    for family, members in families:
        status, cause = members[0].exit_status, f"{family}xx: {_summary(members[0].__bases__[0])}"
        exits[status] = f"{exits.get(status, '')} {cause}".strip()
    lines += [f"| {status} | {meaning} |" for status, meaning in sorted(exits.items())]
    for family, members in families:
        lines += ["", f"## {family}xx: {_summary(members[0].__bases__[0])}"]
        for error in members:
            remedy = error.remedy or "The message says what to do."
            lines += ["", f"### {error.code}", "", *_wrapped(f"**{_summary(error)}** {remedy}")]
            lines += [f"Exit status {error.exit_status}. In Python: `lens_core.errors.{error.__name__}`."]
    return "\n".join(lines) + "\n"


# --- settings.md -------------------------------------------------------------------------------------------


def settings_page() -> str:
    lines = [
        "# Settings",
        "",
        "Built-in defaults, then the YAML file (`--config`), then the environment, then flags: the last one",
        "wins. `ai-lens config` prints every value in force and where it came from.",
        "",
        "A dotted key is nested in YAML (`reject:` and, indented, `threshold: 0.7`) and written with two",
        "underscores in the environment: `AI_LENS_REJECT__THRESHOLD=0.7`.",
        "[configs/default.yaml](../../configs/default.yaml) holds them all.",
        "",
    ]
    meanings = dict(_meanings(settings.Settings))
    defaults = settings.flatten(settings.Settings())
    for key, kind in settings.keys():  # noqa: SIM118 (a function, not a dict's)
        default = json.dumps(defaults[key])
        lines.append(f"- **`{key}`**: {_type_words(kind)}, default `{default}`.")
        lines += _wrapped(meanings.get(key, ""), indent="  ")
    lines += ["", "## Environment variables that are no settings", ""]
    for name in sorted(settings.NOT_SETTINGS):
        lines += [f"- **`{name}`**", *_wrapped(SWITCHES[name], indent="  ")]
    return "\n".join(lines) + "\n"


def _meanings(cls: type[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The string below each attribute of an attrs class and of those inside it, by dotted key."""
    for name, text in attribute_docs(cls).items():
        yield f"{prefix}{name}", text
    for attribute in attrs.fields(attrs.resolve_types(cls)):
        if attrs.has(attribute.type):
            yield from _meanings(attribute.type, f"{prefix}{attribute.name}.")


def _type_words(kind: Any) -> str:
    words = {bool: "true or false", int: "whole number", float: "number", str: "text", NoneType: "null"}
    if kind in words:
        return words[kind]
    if get_origin(kind) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(kind))
    if get_origin(kind) is dict:
        return "`key: value` pairs"
    if get_origin(kind) is list:
        return f"list of {_type_words(get_args(kind)[0])}"
    if attrs.has(kind):
        return f"`{{{', '.join(field.name for field in attrs.fields(kind))}}}`"
    return " or ".join(_type_words(option) for option in get_args(kind))


# --- commands.md -------------------------------------------------------------------------------------------


def commands_page() -> str:
    lines = [
        "# Commands",
        "",
        "What `--help` prints. `--quiet` and `--debug` may stand in front of a command or behind it.",
    ]
    for command, context in commands():
        lines += ["", f"## {context.command_path}", "", "```text", command.get_help(context).rstrip(), "```"]
    return "\n".join(line.rstrip() for line in "\n".join(lines).split("\n")) + "\n"


# --- hooks.md ----------------------------------------------------------------------------------------------


def hooks_page() -> str:
    lines = [
        "# Hooks",
        "",
        "A plugin is a module whose functions are marked `@hookimpl` and which an entry point names.",
        "A function may take fewer arguments than its hook. [How to write one](../plugins/README.md).",
    ]
    groups = {hook: family.group for family in FAMILIES.values() for hook in family.hooks}
    for name, hook in hooks().items():
        first = hook.ai_lens_spec["firstresult"]  # pluggy's mark on the function
        lines += ["", f"## {name}", "", "```python", signature(hook), "```", ""]
        lines += [*_wrapped(inspect.getdoc(hook) or ""), ""]
        who = "the chosen plugin answers" if first else "every installed plugin answers"
        where = f"`{groups[name]}`" if name in groups else "any"
        lines += [f"Group: {where}; {who}. Returns: `{inspect.signature(hook).return_annotation}`."]
    lines += ["", "## What hooks take and return", "", "From `lens_core.contracts`."]
    for contract in CONTRACTS:
        source = inspect.getsource(contract).rstrip()
        lines += ["", f"### {contract.__name__}", "", "```python", source, "```"]
    return "\n".join(lines) + "\n"


def hooks() -> dict[str, Any]:
    """Every hook a plugin may implement, by name."""
    return {name: value for name, value in vars(hookspecs).items() if hasattr(value, "ai_lens_spec")}


def signature(hook: Any) -> str:
    """A hook as its implementer sees it: ``make_index(name: str, options: Any, dim: int) -> ...``."""
    return f"{hook.__name__}{inspect.signature(hook)}".replace("'", "")


# --- both modes --------------------------------------------------------------------------------------------


def _summary(cls: type[Any]) -> str:
    return (cls.__doc__ or "").partition("\n")[0]


def _wrapped(text: str, indent: str = "") -> list[str]:
    wrapper = textwrap.TextWrapper(
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapper.wrap(text.replace("``", "`"))


def stale(page: Path, text: str) -> bool:
    return not page.exists() or page.read_text(encoding="utf-8") != text


def main() -> int:
    found = []
    for page, text in pages().items():
        if "--check" not in sys.argv:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(text, encoding="utf-8", newline="\n")
        elif stale(page, text):
            found.append(f"{page.relative_to(ROOT)} is stale: run `make docs`")
    for page in prose():
        found += [f"{page.relative_to(ROOT)}: {complaint}" for complaint in complaints(page)]
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
