"""The points of the checklist that are about exports: they are opened and asked now."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from lens_core import plugins
from lens_core.artifacts import container, guide, probes
from lens_core.artifacts.manifest import Manifest
from lens_core.artifacts.runs import CHECKPOINT
from lens_core.errors import CannotRunHereError, LensError
from lens_core.photos.decode import decode
from lens_core.runtime.lens import Lens


@frozen
class Tick:
    """One point of the list."""

    point: str
    """A word that a program can switch on."""
    title: str
    done: bool
    evidence: str
    advice: str = ""
    """What to do where it is not done."""


def answers(folder: Path, about: Manifest) -> Tick:
    """Whether an export of this very model is there that answers."""
    point, title = "export", "An export passed its gate and answered a photo as the checkpoint does"
    found = [_asked(folder, about, path) for path in _exports(folder)]
    good = [evidence for fine, evidence in found if fine]
    evidence = "; ".join(good or [evidence for _, evidence in found]) or "there is no export"
    advice = f"Run: ai-lens export --ckpt {folder / CHECKPOINT} --onnx {folder / 'best.onnx'}"
    return Tick(point, title, bool(good), evidence, advice)


def matches_guide(folder: Path) -> Tick:
    """Whether the guide beside each export describes it."""
    point, title = "guide", "The deployment guide matches what was exported"
    exports = _exports(folder)
    wrong = [text for path in exports for text in _against_guide(path)]
    names = ", ".join(guide.path_of(path).name for path in exports)
    evidence = "; ".join(wrong) or names or "there is no export"
    return Tick(point, title, bool(exports) and not wrong, evidence, "Export again.")


def _against_guide(path: Path) -> list[str]:
    try:
        return guide.differences(path)
    except OSError:
        return [f"{path.name} has no guide beside it"]
    except ValueError:
        return [f"the guide beside {path.name} cannot be read"]


def _exports(folder: Path) -> list[Path]:
    """What a runtime opens, apart from checkpoints."""
    suffixes = {f".{plugin.name}" for plugin in plugins.find("runtime")} - {".ckpt"}
    return sorted(path for path in folder.iterdir() if path.suffix in suffixes)


def _asked(folder: Path, model: Manifest, path: Path) -> tuple[bool, str]:
    """(whether it stood the test, in words)."""
    try:
        lens = Lens(path)
    except CannotRunHereError:
        return False, f"{path.name} cannot run on this machine"
    except LensError as error:
        return False, f"{path.name} cannot be opened: {error.what}"
    about = lens.manifest
    if (about.embedding_id, about.model_version) != (model.embedding_id, model.model_version):
        return False, f"{path.name} is of another model: version {about.model_version}, {about.created}"
    if not about.certificate or about.certificate.checked != "photos":
        return False, f"{path.name} carries no certificate of having answered photos"
    asked = probes.read(container.read(folder / CHECKPOINT))
    if not asked:
        return False, "the checkpoint carries no photo to ask about"
    place, photo = asked[0].place, decode(asked[0].encoded)
    before, after = (one.answer(place, [photo])[0] for one in (Lens(folder / CHECKPOINT), lens))
    gate = f"{path.name}: {about.certificate.precision}, gate passed on {about.certificate.photos} photos"
    if (before.decision, before.selected_item) != (after.decision, after.selected_item):
        return False, f"{gate}, but now it answers otherwise than the checkpoint"
    return True, f"{gate}; asked now in {place}: {after.selected_item or after.decision}"
