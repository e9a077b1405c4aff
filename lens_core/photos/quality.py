"""The quality checkers that are installed: all of them run; one that fails is reported, not fatal."""

from __future__ import annotations

from attrs import define, field

from lens_core import plugins
from lens_core.contracts import Finding, Photo
from lens_core.errors import LensError


@define
class QualityChecks:
    """Runs every installed checker. ``failures`` says which ones could not be used, and why."""

    drivers: list[plugins.Driver]
    failures: list[LensError] = field(factory=list)

    @classmethod
    def installed(cls) -> QualityChecks:
        return cls(*plugins.load_all("quality"))

    def check(self, photo: Photo) -> list[Finding]:
        """Everything the checkers noticed about one photo."""
        findings: list[Finding] = []
        for driver in list(self.drivers):
            if not driver.implements("check_photo"):
                continue
            try:
                for answer in driver.call("check_photo", photo=photo, options=driver.options({})):
                    findings += answer
            except LensError as error:
                self.failures.append(error)
                self.drivers.remove(driver)
        return findings
