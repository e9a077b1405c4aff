"""Every mistake ai-lens reports, with its code, its exit status and what to do about it.

::

    LensError
    ├── DataError            E1xx  exit 3   photos and folders
    │   ├── LayoutError          E100
    │   ├── TooFewPhotosError    E110
    │   ├── PhotoUnreadableError E120
    │   ├── PhotoTooSmallError   E121
    │   ├── PhotoTooLargeError   E122
    │   ├── NameCollisionError   E130
    │   ├── MetadataError        E140
    │   ├── ShowsExhibitError    E150
    │   └── NotEnoughPhotosError E160
    ├── ArtifactError        E2xx  exit 4   models, exports, galleries
    │   ├── ModelLoadError       E200
    │   ├── DamagedArtifactError E210
    │   ├── WrongGalleryError    E220
    │   ├── ExportMismatchError  E230
    │   ├── NotEvaluatedError    E240
    │   └── NoRunError           E250
    ├── DecisionError        E3xx  exit 2   asking for an answer
    │   ├── NoThresholdError     E310
    │   ├── UnknownPlaceError    E320
    │   └── CannotPromiseError   E330
    ├── PluginError          E4xx  exit 5   plugins and optional libraries
    │   ├── UnknownPluginError   E400
    │   ├── NotInstalledError    E410
    │   ├── BrokenPluginError    E420
    │   ├── AmbiguousPluginError E430
    │   ├── PluginNotAllowedError E440
    │   ├── WeightsUnavailableError E450
    │   ├── CannotDoError        E460
    │   └── CannotRunHereError   E470
    ├── SettingsError        E6xx  exit 2   settings file, environment, flags
    │   ├── BadSettingError      E600
    │   └── OtherBatchError      E610
    └── EnvironmentFaultError E7xx exit 7   disk, permission, lock, memory
        ├── CannotWriteError     E700
        ├── BusyError            E710
        ├── NoPermissionError    E720
        └── NotEnoughMemoryError E730

The first line of a class's docstring is the cause as the reference page prints it, ``remedy`` what to do.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import ClassVar

BATCH_HAD_FAILURES = 6
"""Exit status of a batch that finished although some photos could not be answered."""
PHOTOS_HAVE_WARNINGS = 8
"""Exit status of ``validate-data`` when training would go ahead and somebody should look first."""
REQUIREMENT_NOT_MET = 9
"""Exit status of ``evaluate --require`` when a figure falls short, of ``checklist`` for a missing tick."""


class LensError(Exception):
    """Something a user can put right; printed as one line, never as a traceback."""

    code: ClassVar[str] = ""
    exit_status: ClassVar[int] = 1
    remedy: ClassVar[str] = ""

    def __init__(self, what: str, remedy: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.advice = self.remedy if remedy is None else remedy

    @property
    def message(self) -> str:
        """What happened and what to do, in one line, without the code."""
        return f"{self.what} {self.advice}".strip()

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class DataError(LensError):
    """The photos cannot be used."""

    exit_status = 3


class LayoutError(DataError):
    """The photo folders do not follow the layout."""

    code = "E100"
    remedy = "Arrange the photos as data/place/item/*.jpg and try again."


class TooFewPhotosError(DataError):
    """An item has too few photos."""

    code = "E110"
    remedy = "Collect 10 photos or more of each item, or lower the bar knowingly with --min-images N."


class PhotoUnreadableError(DataError):
    """A file is missing, damaged, or is not a photo."""

    code = "E120"
    remedy = "Replace the file by the original photo (JPEG, PNG, WebP, HEIC, AVIF, BMP or TIFF)."


class PhotoTooSmallError(DataError):
    """A photo has too few pixels to show anything."""

    code = "E121"
    remedy = "Use the original photo, not a thumbnail."


class PhotoTooLargeError(DataError):
    """A photo has more pixels than ai-lens accepts."""

    code = "E122"
    remedy = "Save the photo at 50 megapixels or less."


class MetadataError(DataError):
    """The metadata.json beside the photos is not understood."""

    code = "E140"
    remedy = "See docs/metadata.md for what it may say."


class ShowsExhibitError(DataError):
    """Photos that were given as showing no exhibit show one."""

    code = "E150"
    remedy = "Take them out of that folder: a model that recognises them would be counted as wrong."


class NotEnoughPhotosError(DataError):
    """There are too few photos to measure a model on."""

    code = "E160"
    remedy = "Add items, photos of them, or photos that show no exhibit (--ood DIR)."


class NameCollisionError(DataError):
    """Two folders carry the same name, spelt differently."""

    code = "E130"
    remedy = "Merge the two folders or rename one of them."


class ArtifactError(LensError):
    """A stored model, export or gallery cannot be used."""

    exit_status = 4


class ModelLoadError(ArtifactError):
    """A model cannot be loaded."""

    code = "E200"
    remedy = "Check the path, the read permission and that the file was made by ai-lens."


class DamagedArtifactError(ArtifactError):
    """A stored file is not what was written."""

    code = "E210"
    remedy = "Copy the file again from where it was made, or make it again."


class WrongGalleryError(ArtifactError):
    """A gallery does not belong to this model."""

    code = "E220"
    remedy = "Build the gallery again with this model: ai-lens build-index --model MODEL ..."


class ExportMismatchError(ArtifactError):
    """An export does not answer as its checkpoint does."""

    code = "E230"
    remedy = "Nothing was written. Try another exporter, or update the exporter's libraries."

    def __init__(self, what: str, remedy: str | None = None, table: Sequence[tuple[str, ...]] = ()) -> None:
        super().__init__(what, remedy)
        self.table = tuple(table)
        """What differs, row by row below a row of headings; may be empty."""


class NotEvaluatedError(ArtifactError):
    """A folder holds no evaluation."""

    code = "E240"
    remedy = "Write one there first: ai-lens evaluate --save-dir FOLDER ..."


class NoRunError(ArtifactError):
    """A folder holds no training run."""

    code = "E250"
    remedy = "Name the folder that `ai-lens train --save-dir` wrote; `ai-lens runs` lists those in ./runs."


class DecisionError(LensError):
    """A question cannot be answered as it was asked."""

    exit_status = 2


class NoThresholdError(DecisionError):
    """No reject threshold is set."""

    code = "E310"
    remedy = "Pass --reject-threshold (0.62 is a usual start), or train on enough photos to tune the model."


class UnknownPlaceError(DecisionError):
    """The model has no exhibits of this place."""

    code = "E320"
    remedy = "Use one of the places named above, or pass --index-file with a gallery of this place."


class CannotPromiseError(DecisionError):
    """So few photos cannot support the promise that was asked for."""

    code = "E330"


class PluginError(LensError):
    """A plugin or an optional library cannot be used."""

    exit_status = 5


class UnknownPluginError(PluginError):
    """No plugin has this name."""

    code = "E400"


class NotInstalledError(PluginError):
    """What was asked for needs something that is not installed."""

    code = "E410"


class BrokenPluginError(PluginError):
    """A plugin failed to load or does not keep its contract."""

    code = "E420"
    remedy = "Update or remove that plugin; run again with AI_LENS_DEBUG=1 to see where it failed."


class AmbiguousPluginError(PluginError):
    """Two installed distributions offer the same name."""

    code = "E430"
    remedy = "Uninstall one of the two, or allow only one of them with AI_LENS_PLUGINS."


class PluginNotAllowedError(PluginError):
    """AI_LENS_PLUGINS does not allow this plugin."""

    code = "E440"
    remedy = "Add its distribution to AI_LENS_PLUGINS, or unset the variable."


class WeightsUnavailableError(PluginError):
    """Pretrained weights could not be downloaded."""

    code = "E450"
    remedy = "Connect to the internet once, or pass a local file: --weights FILE.safetensors."


class CannotDoError(PluginError):
    """A plugin's library cannot do what was asked."""

    code = "E460"


class CannotRunHereError(PluginError):
    """A model's format cannot run on this machine."""

    code = "E470"
    remedy = "Open it on a device of the kind it was made for, or use another export here."


class SettingsError(LensError):
    """The settings are not understood."""

    exit_status = 2


class BadSettingError(SettingsError):
    """A setting is unknown or has the wrong type."""

    code = "E600"
    remedy = "See `ai-lens config` for every setting, its value and where it came from."


class OtherBatchError(SettingsError):
    """Answers begun earlier belong to another model, other settings or other photos."""

    code = "E610"
    remedy = "Run the command they were begun with, or delete that file to begin anew."


class EnvironmentFaultError(LensError):
    """The machine does not let ai-lens do its work."""

    exit_status = 7


class CannotWriteError(EnvironmentFaultError):
    """A file or folder cannot be written."""

    code = "E700"
    remedy = "Check the permission and the free space there, or choose another folder."


class NoPermissionError(EnvironmentFaultError):
    """A file or folder may not be read or written."""

    code = "E720"
    remedy = "Check who owns it and its permissions."


class BusyError(EnvironmentFaultError):
    """Another ai-lens process is writing to the same folder."""

    code = "E710"
    remedy = "Wait until it has finished, or choose another folder."


class NotEnoughMemoryError(EnvironmentFaultError):
    """Training needs more memory than there is."""

    code = "E730"
    remedy = "Set hardware.micro_batch to fewer photos, or train less of the backbone (--finetune none)."


def all_errors() -> list[type[LensError]]:
    """Every error that carries a code, in the order of the codes (the reference page is made from it)."""
    found: list[type[LensError]] = []
    pending = [LensError]
    while pending:
        for child in pending.pop().__subclasses__():
            pending.append(child)
            if child.code:
                found.append(child)
    return sorted(found, key=lambda error: error.code)


@contextmanager
def needing(what: str, extra: str) -> Iterator[None]:
    """Turn a missing optional library into NotInstalledError (E410) that names the extra to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] in ("lens_core", "ai_lens_helper"):
            raise
        raise _missing(what, extra, error.name) from error


def need_pytorch(what: str) -> None:
    """The same, said before other work is begun and without the seconds that importing PyTorch takes."""
    if find_spec("torch") is None:
        raise _missing(what, "standard", "torch")


def _missing(what: str, extra: str, library: str | None) -> NotInstalledError:
    advice = f'Try: pip install "ai-lens-helper[{extra}]"'
    return NotInstalledError(f"{what[0].upper()}{what[1:]} needs '{library}'.", advice)
