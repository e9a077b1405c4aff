"""The guide that lies beside every export: what it is, what a device needs, how to ask it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from lens_core.artifacts.atomic import atomic_write
from lens_core.artifacts.integrity import sha256
from lens_core.artifacts.manifest import Certificate, Manifest

SUFFIX = ".md"
_FILE = re.compile(r"^\| `([^`]+)` \| (\d+) \| `([0-9a-f]{64})` \|$", re.MULTILINE)


def path_of(export: Path) -> Path:
    """``best.onnx`` -> ``best.onnx.md``."""
    return export.with_name(f"{export.name}{SUFFIX}")


def write(export: Path, names: Sequence[str], manifest: Manifest, runtime: str) -> None:
    """Write the guide of an export made of these files and folders. ``runtime`` is the distribution that
    opens it."""
    files = "\n".join(f"| `{name}` | {size} | `{digest}` |" for name, size, digest in _files(export, names))
    place = manifest.places[0]
    text = f"""# {export.name}

Made by {manifest.made_by} from model version {manifest.model_version} ({manifest.created}).
Backbone: {manifest.backbone.full_name}; licence of its weights: {manifest.backbone.licence}.
{len(manifest.classes)} exhibits in {len(manifest.places)} places: {", ".join(manifest.places)}.
{_checked(manifest.certificate)} {_thresholds(manifest)}

Copy these files, and nothing else:

| file | bytes | SHA-256 |
|---|---|---|
{files}

On the device, with Python 3.11 or newer and no PyTorch:

```bash
pip install ai-lens-helper {runtime} ai-lens-photo
ai-lens infer --model {shlex.quote(export.name)} --place {shlex.quote(place)} --image photo.jpg
```

```python
from ai_lens_helper import Lens

lens = Lens(model_path={export.name!r})
lens.warm_up()
result = lens.infer(place={place!r}, image_path="photo.jpg")
print(result.decision, result.selected_item, result.confidence)
```

ai-lens checks the files' integrity whenever it opens them. `ai-lens checklist` compares them with this page.
"""
    atomic_write(path_of(export), text)


def differences(export: Path) -> list[str]:
    """What the guide says otherwise than it is, in words; nothing where it matches.

    Raises OSError when there is no guide.
    """
    said = {name: digest for name, _, digest in _FILE.findall(path_of(export).read_text(encoding="utf-8"))}
    names = {Path(name).parts[0] for name in said} | {export.name}
    found = {name: digest for name, _, digest in _files(export, sorted(names))}
    changed = [name for name in said if found.get(name) != said[name]]
    return [f"{name} is not what the guide describes" for name in changed] + [
        f"{name} is not in the guide" for name in found if name not in said
    ]


def _files(export: Path, names: Sequence[str]) -> list[tuple[str, int, str]]:
    """(name beside the export, bytes, SHA-256) of every file; a folder's files one by one."""
    folder = export.parent
    paths = [path for name in sorted(names) for path in (folder / name, *sorted((folder / name).rglob("*")))]
    return [
        (path.relative_to(folder).as_posix(), path.stat().st_size, sha256(path.read_bytes()))
        for path in paths
        if path.is_file()
    ]


def _checked(certificate: Certificate | None) -> str:
    if certificate is None or certificate.checked == "spec":
        return "Compared with its checkpoint without being run."
    if certificate.precision == "int8":
        lost = ", ".join(f"{kind} {points:+.1f}" for kind, points in certificate.points_lost.items())
        return (
            f"Precision int8; compared with its checkpoint on {certificate.photos} pictures it loses, in "
            f"percentage points: {lost} (allowed: {certificate.points_allowed:g})."
        )
    return f"Precision {certificate.precision}; answered {certificate.photos} photos as its checkpoint does."


def _thresholds(manifest: Manifest) -> str:
    chosen = manifest.thresholds
    if chosen is None:
        return "It stores no thresholds: pass --reject-threshold."
    numbers = f"T {chosen.threshold:g}, M {chosen.min_top1_margin:g}, D {chosen.max_distance:g}."
    promise = manifest.guarantee
    if promise is None:
        return numbers
    kinds = ", ".join(promise.bounds)
    return (
        f"{numbers} Promised at {promise.confidence:.0%} confidence: at most {promise.max_false_accept:.1%} "
        f"of photos like those tested ({kinds}) are accepted."
    )
