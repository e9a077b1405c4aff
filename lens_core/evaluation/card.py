"""The model card in a run's folder: what the model is for, how good it is, where it came from.

Its front matter is that of Hugging Face's model cards, so that hubs and registries can read it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from lens_core.artifacts.atomic import atomic_write
from lens_core.artifacts.manifest import Manifest
from lens_core.evaluation.words import SHARES, UNKNOWN

NAME = "MODEL_CARD.md"
_TYPES = {"top1": "accuracy", "top3": "top_3_accuracy"}
"""What hubs call these figures."""
_LICENCE_ID = re.compile(r"[a-z0-9.-]+")
Figures = Mapping[str, Any]
"""See :func:`lens_core.evaluation.metrics.figures`; empty where nothing could be held out."""


def write(folder: Path, manifest: Manifest, figures: Figures) -> None:
    """Write the card of the model in a run's folder. Raises CannotWriteError (E700)."""
    atomic_write(folder / NAME, text(manifest, figures))


def text(manifest: Manifest, figures: Figures) -> str:
    """The card as Markdown."""
    about, backbone = manifest.provenance, manifest.backbone
    tuned = manifest.finetuned
    measured = "\n".join(f"| {name} | {value} |" for name, value in _rows(figures))
    places = "\n".join(
        f"| {place} | {sum(where == place for where, _ in manifest.classes)} |" for place in manifest.places
    )
    packages = ", ".join(f"{name} {version}" for name, version in about["environment"]["packages"].items())
    git = about.get("git")
    commit = f"{git['commit']}{' with changes' if git['changed'] else ''}" if git else "none"
    return f"""---
{_front_matter(manifest, figures)}---

# {manifest.backbone.name}, version {manifest.model_version}

Names the exhibit in a visitor's photo among {len(manifest.classes)} exhibits of
{len(manifest.places)} places, or asks for the photo to be taken again.
Made by {manifest.made_by} ({manifest.created}).

## Use

For photos taken in one of these places; the place is given with the photo. It is not made to recognise
people, to tell copies from originals, or to answer about exhibits it was not shown: those it should refuse,
and how often it does is below.

| place | exhibits |
|---|---|
{places}

```bash
ai-lens infer --model best.ckpt --place {shlex.quote(manifest.places[0])} --image photo.jpg
```

## How good it is

Measured on photos that it did not learn from, with 95 % intervals; seed {manifest.settings.get("seed")}.

| | |
|---|---|
{measured or "| not measured | too few photos |"}

{_decides(manifest)}

## How it was made

- Backbone: {backbone.full_name}, {"fine-tuned" if tuned else "frozen"}; {manifest.preprocess.size} pixels.
  Licence of its weights: {backbone.licence}.
- Photos: {about["photos"]}; SHA-256 over what they are and show: `{about["data_hash"]}`.
- Loss: {manifest.settings.get("loss")}; every setting is in `settings.yaml`.
- Command: `{about.get("command")}`, started {about.get("started")}; git commit: {commit}.
- Python {about["environment"]["python"]} on {about["environment"]["platform"]}; {packages}.
"""


def _rows(figures: Figures) -> Iterator[tuple[str, str]]:
    if "top1" not in figures:
        return
    yield "exhibits' photos", str(figures["photos"])
    for name, words in SHARES.items():
        yield words, _percent(figures[name])
    for kind, of_kind in figures["unknown"].items():
        yield f"{UNKNOWN[kind]}: accepted", _percent(of_kind["accepted"])
        auroc = of_kind["auroc"]
        yield f"{UNKNOWN[kind]}: AUROC", f"{auroc['value']:.3f} ({auroc['low']:.3f} - {auroc['high']:.3f})"


def _percent(figure: Mapping[str, float]) -> str:
    return f"{figure['value']:.1%} ({figure['low']:.1%} - {figure['high']:.1%})"


def _decides(manifest: Manifest) -> str:
    chosen, promise = manifest.thresholds, manifest.guarantee
    if not chosen:
        return "It stores no thresholds: pass --reject-threshold."
    numbers = (
        f"It accepts at T {chosen.threshold:g}, M {chosen.min_top1_margin:g}, D {chosen.max_distance:g}"
        f"{f' (score: {chosen.score.name})' if chosen.score else ''}."
    )
    if not promise:
        return f"{numbers} `ai-lens tune` adds a promise of how many photos that must be refused get through."
    kinds = ", ".join(UNKNOWN[kind] for kind in promise.bounds)
    return (
        f"{numbers} With {promise.confidence:.0%} confidence at most {promise.max_false_accept:.1%} "
        f"of photos like those tested ({kinds}) are accepted."
    )


def _front_matter(manifest: Manifest, figures: Figures) -> str:
    values: dict[str, Any] = {
        "library_name": "ai-lens",
        "pipeline_tag": "image-classification",
        **_licence(manifest.backbone.licence),
        "tags": ["museum", "image-retrieval", "open-set-recognition"],
    }
    if results := list(_results(manifest, figures)):
        values["model-index"] = [{"name": manifest.backbone.name, "results": results}]
    yaml, written = YAML(), StringIO()
    yaml.width = 2**16  # one value, one line
    yaml.dump(values, written)
    return written.getvalue()


def _licence(name: str) -> dict[str, str]:
    """Hubs know the usual ones by their ids: ``apache-2.0``."""
    known = _LICENCE_ID.fullmatch(name.lower())
    return {"license": name.lower()} if known else {"license": "other", "license_name": name}


def _results(manifest: Manifest, figures: Figures) -> Iterator[dict[str, Any]]:
    metrics = [
        {"type": _TYPES.get(name, name), "name": words, "value": value["value"]}
        for name, words in SHARES.items()
        if (value := figures.get(name))
    ]
    metrics += [
        {"type": "roc_auc", "name": f"AUROC against {UNKNOWN[kind]}", "value": of_kind["auroc"]["value"]}
        for kind, of_kind in figures.get("unknown", {}).items()
    ]
    if metrics:
        name = f"{manifest.provenance['photos']} photos of {len(manifest.classes)} exhibits, held out"
        yield {
            "task": {"type": "image-classification"},
            "dataset": {"type": "imagefolder", "name": name, "revision": manifest.provenance["data_hash"]},
            "metrics": metrics,
        }
