"""The quality checkers that are installed: all of them run; one that fails is reported, not fatal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define

from lens_core import plugins
from lens_core.contracts import Finding, Photo
from lens_core.errors import BrokenPluginError, LensError
from lens_core.photos.layout import Dataset


@define
class QualityChecks:
    """Runs every installed checker. ``failures`` says which ones could not be used, and why."""

    drivers: tuple[plugins.Driver, ...]
    options: dict[str, dict[str, Any]]
    """By the checker's name."""
    failures: dict[str, LensError]
    """By the plugin's title."""

    @classmethod
    def enabled(
        cls, names: Sequence[str] | None = None, options: dict[str, dict[str, Any]] | None = None
    ) -> QualityChecks:
        """The named checkers, or every one that is installed, with options by name.

        Raises UnknownPluginError (E400) for a name that nothing offers, BadSettingError (E600) for an option
        that a checker does not have.
        """
        for name in (*(names or ()), *(options or {})):
            plugins.choose("quality", name)
        drivers, failures = plugins.load_all("quality", names)
        usable = []
        for driver in drivers:
            given = (options or {}).get(driver.plugin.name, {})
            try:
                driver.options(given)
                usable.append(driver)
            except LensError as error:
                if given:
                    raise
                failures.append(error)  # nobody chose any option: the checker is at fault
        return cls(tuple(usable), options or {}, {str(error): error for error in failures})

    @property
    def identity(self) -> tuple[str, ...]:
        """Which checkers with which options judge; equal as long as the same photo gets the same findings."""
        options = [driver.options(self.options.get(driver.plugin.name, {})) for driver in self.drivers]
        return tuple(
            f"{driver.plugin.title} {given} {driver.changed}"
            for driver, given in zip(self.drivers, options, strict=True)
        )

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
            given = self.options.get(driver.plugin.name, {})
            answers = driver.call(hook, options=driver.options(given), **what)
            return _findings(answers, title)
        except LensError as error:
            self.failures[title] = error
            return []


def _findings(answers: Any, title: str) -> list[Finding]:
    try:
        findings = [finding for answer in answers for finding in answer]
    except Exception as error:
        # A checker may be a generator, and fail only now.
        raise BrokenPluginError(f"{title} failed: {type(error).__name__}: {error}.") from error
    if not all(isinstance(finding, Finding) for finding in findings):
        raise BrokenPluginError(f"{title} answered something else than findings.")
    return findings
