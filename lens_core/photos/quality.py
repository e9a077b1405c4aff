"""The quality checkers that are installed: all of them run; one that fails is reported, not fatal."""

from __future__ import annotations

from typing import Any

from attrs import define

from lens_core import plugins
from lens_core.contracts import Finding, Photo
from lens_core.errors import LensError
from lens_core.photos.layout import Dataset


@define
class QualityChecks:
    """Runs every installed checker. ``failures`` says which ones could not be used, and why."""

    drivers: tuple[plugins.Driver, ...]
    failures: dict[str, LensError]
    """By the plugin's title."""

    @classmethod
    def installed(cls) -> QualityChecks:
        drivers, failures = plugins.load_all("quality")
        return cls(tuple(drivers), {str(number): failure for number, failure in enumerate(failures)})

    def check(self, photo: Photo) -> list[Finding]:
        """Everything the checkers noticed about one photo."""
        return [
            finding for driver in self.drivers for finding in self._ask(driver, "check_photo", photo=photo)
        ]

    def check_dataset(self, dataset: Dataset) -> list[Finding]:
        """Everything the checkers noticed about a collection of photos."""
        return [
            finding
            for driver in self.drivers
            for finding in self._ask(driver, "check_dataset", dataset=dataset)
        ]

    def _ask(self, driver: plugins.Driver, hook: str, **what: Any) -> list[Finding]:
        title = driver.plugin.title
        if title in self.failures or not driver.implements(hook):
            return []
        try:
            answers = driver.call(hook, options=driver.options({}), **what)
        except LensError as error:
            self.failures[title] = error
            return []
        return [finding for answer in answers for finding in answer]
