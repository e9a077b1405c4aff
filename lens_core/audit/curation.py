"""``validate-data --suggest curation.yaml``: what to do about these photos, as a file that train accepts."""

from __future__ import annotations

import textwrap
from io import StringIO
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from lens_core.artifacts.atomic import atomic_write
from lens_core.audit.remarks import Audit
from lens_core.audit.remedies import Reasons, augmentation, balance
from lens_core.audit.removals import removals
from lens_core.audit.retakes import retakes
from lens_core.photos.layout import Dataset
from lens_core.settings import Curation, Settings, to_dict

_WIDTH = 106
_HEAD = """\
# What `ai-lens validate-data --suggest` proposes for these photos. Change what you know better, then:
#   ai-lens train --config THIS_FILE
# Photos under `remove` are left out of training; the files stay. `retake` is for people.
"""


@frozen
class Suggestion:
    """The settings to train with on these photos, and why."""

    settings: Settings
    reasons: Reasons
    """Of what is no list of reasons itself: ``augment.*`` and ``balance``."""


def suggest(found: Audit, dataset: Dataset, settings: Settings) -> Suggestion:
    """What to remove, to photograph again and to train with; what was removed before stays so."""
    new = removals(found, dataset, settings.min_images)
    removed = {removal.photo for removal in new}
    again = retakes(found, dataset, settings.min_images, removed)
    augment, reasons = augmentation(found, settings)
    shown, reasons["balance"] = balance(found, removed, settings)
    curation = Curation([*settings.curation.remove, *new], again)
    return Suggestion(attrs.evolve(settings, curation=curation, augment=augment, balance=shown), reasons)


def to_yaml(suggestion: Suggestion) -> str:
    """The settings as a file that ``--config`` reads, a reason at each; last, what else was set by hand."""
    values = to_dict(suggestion.settings)
    usual = to_dict(Settings())
    reasons = suggestion.reasons
    curation, augment = values.pop("curation"), values.pop("augment")
    changed = {key: value for key, value in values.items() if value != usual[key] and key != "balance"}
    parts = [
        _HEAD,
        "curation:",
        *(_indented(_dumped({key: entries})) for key, entries in curation.items()),
        "\naugment:",
        *(_indented(_with(reasons[f"augment.{key}"], {key: value})) for key, value in augment.items()),
        "",
        _with(reasons["balance"], {"balance": values["balance"]}),
        *(["", _with("As it was set when this was proposed.", changed)] if changed else []),
    ]
    return "\n".join(parts) + "\n"


def write_suggestion(found: Audit, dataset: Dataset, settings: Settings, path: Path) -> None:
    """Write what :func:`suggest` proposes. Raises CannotWriteError (E700)."""
    if settings.strip_pii and settings.weights:
        settings = attrs.evolve(settings, weights=Path(settings.weights).name)
    atomic_write(path, to_yaml(suggest(found, dataset, settings)))


def _with(reason: str, values: dict[str, Any]) -> str:
    return "\n".join([*textwrap.wrap(reason, _WIDTH - 2, **_COMMENT), _dumped(values)])


_COMMENT: dict[str, Any] = {
    "initial_indent": "# ", "subsequent_indent": "# ", "break_long_words": False, "break_on_hyphens": False,
}  # fmt: skip


def _dumped(values: dict[str, Any]) -> str:
    from ruamel.yaml import YAML

    text, yaml = StringIO(), YAML()
    yaml.width = _WIDTH
    yaml.indent(sequence=4, offset=2)
    yaml.dump(values, text)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _indented(text: str) -> str:
    return textwrap.indent(text, "  ")
