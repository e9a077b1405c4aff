"""A page in one file: no network, no script that is not in it, no photo's EXIF."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from lens_core.errors import needing
from lens_core.pages.thumbnails import LONG_SIDE, Thumbnail, thumbnails


@frozen
class Picture:
    """A photo to draw, in pixels; without thumbnail where it cannot be read."""

    id: str
    thumbnail: Thumbnail | None
    width: int
    height: int


@frozen
class Script:
    """The one script of a page, and the hash by which browsers let it run."""

    text: str

    @property
    def hash(self) -> str:
        return base64.b64encode(hashlib.sha256(self.text.encode()).digest()).decode()


def render(package: str, template: str, style: str, script: Script | None = None, **values: Any) -> str:
    """The page made of a package's template, which extends ``base.html`` of this package.

    Raises NotInstalledError (E410) without Jinja2.
    """
    with needing("an HTML page", "report"):
        from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, ""), PackageLoader("lens_core.pages", "")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(style=style, script=script, **values)


def pictures(files: Mapping[str, Path], long_side: int = LONG_SIDE, prefix: str = "p") -> dict[str, Picture]:
    """Small pictures of these photos, by their names; each is drawn wherever it is wanted from one copy."""
    found = zip(files, thumbnails(files.values(), long_side), strict=True)
    return {
        name: Picture(f"{prefix}{number}", small, small.width, small.height)
        if small
        else Picture("unreadable", None, long_side, long_side * 3 // 4)
        for number, (name, small) in enumerate(found)
    }
