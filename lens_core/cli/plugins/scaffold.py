"""The files of a new plugin, from ``lens_core/plugin_templates/<family>``."""

from __future__ import annotations

import os
import re
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory

import attrs
from attrs import frozen

from lens_core.errors import BadSettingError, CannotWriteError
from lens_core.plugins import CORE, PUBLISHED, find

_PREFIX = "ai-lens-"
_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")


@frozen
class Names:
    """What a new plugin is called where."""

    name: str
    """What users type; the entry point."""
    distribution: str
    """What ``pip install`` takes."""
    package: str
    """What Python imports."""

    @classmethod
    def of(cls, typed: str) -> Names:
        """``my-index`` or ``ai-lens-my-index``. Raises BadSettingError (E600)."""
        name = typed.removeprefix(_PREFIX)
        if not _NAME.fullmatch(name):
            raise BadSettingError(
                f"'{typed}' is no name for a plugin.",
                "Use small letters, digits and single hyphens or underscores, a letter first: my-index.",
            )
        distribution = _PREFIX + name.replace("_", "-")
        return cls(name, distribution, distribution.replace("-", "_"))


def refuse_taken(family: str, names: Names) -> None:
    """Raises BadSettingError (E600) for a name that another distribution offers, or is installed under."""
    name = names.name
    owners = [plugin.distribution for plugin in find(family) if plugin.name == name]
    owners += [PUBLISHED[family][name]] if name in PUBLISHED[family] else []
    if owners:
        raise BadSettingError(f"{family} '{name}' is already offered by {owners[0]}.", "Choose another name.")
    published = {CORE, *(owner for family in PUBLISHED.values() for owner in family.values())}
    if names.distribution in published or _is_installed(names.distribution):
        raise BadSettingError(f"There is a distribution {names.distribution}.", "Choose another name.")


def _is_installed(distribution: str) -> bool:
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def write(family: str, names: Names, target: Path) -> None:
    """Write the whole package to ``target``, a new folder, or nothing. Raises CannotWriteError (E700)."""
    if os.path.lexists(target):
        raise CannotWriteError(f"{target} is already there.", "Choose another folder: --folder DIR.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=target.parent, prefix=".ai-lens-") as folder:
            draft = Path(folder) / target.name
            _fill(resources.files("lens_core") / "plugin_templates" / family, draft, names)
            draft.rename(target)
    except OSError as error:
        raise CannotWriteError(f"{target} cannot be written: {error.strerror or error}.") from error


def _fill(template: Traversable, target: Path, names: Names) -> None:
    """Copy a folder; ``$name``, ``$distribution`` and ``$package`` stand for themselves nowhere."""
    target.mkdir()
    for part in template.iterdir():
        if part.name == "__pycache__":  # pip compiles templates like all it installs
            continue
        destination = target / (names.package if part.name == "package" else part.name)
        if part.is_dir():
            _fill(part, destination, names)
        else:
            text = Template(part.read_text(encoding="utf-8")).substitute(attrs.asdict(names))
            destination.write_text(text, encoding="utf-8", newline="\n")
