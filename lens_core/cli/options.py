"""Flags that several commands share, so that each is worded and typed once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer


def _installed(family: str) -> Callable[[str], list[str]]:
    """What <TAB> offers: the installed plugins of a family, from metadata alone."""

    def complete(incomplete: str) -> list[str]:
        from lens_core.plugins import find

        return [plugin.name for plugin in find(family) if plugin.name.startswith(incomplete)]

    return complete


DataRoot = Annotated[Path | None, typer.Option(help="Photos as DIR/place/item/*.jpg. [default: ./data]")]
Places = Annotated[list[str] | None, typer.Option("--place", help="Only this place; may be repeated.")]
Place = Annotated[str, typer.Option("--place", help="The place the photo was taken in.")]
Model = Annotated[
    Path,
    typer.Option(
        "--model",
        help="A checkpoint (.ckpt), an export (.onnx ...), or a folder: its file that is fastest here.",
    ),
]
Ood = Annotated[Path | None, typer.Option(help="Photos that show no exhibit. [default: DATA_ROOT/ood]")]
Untrained = Annotated[
    Path | None, typer.Option(help="Exhibits that the model is not to know, as DIR/place/item/*.jpg.")
]
Config = Annotated[Path | None, typer.Option(help="A YAML settings file.")]
Backbone = Annotated[
    str | None,
    typer.Option(
        help="vit_b16, mobilenetv2 ... or timm:<any timm name>.", autocompletion=_installed("backbone")
    ),
]
Weights = Annotated[Path | None, typer.Option(help="A local .safetensors file for the backbone.")]
Index = Annotated[
    str | None,
    typer.Option(help="How galleries are searched: exact, faiss ...", autocompletion=_installed("index")),
]
IndexOption = Annotated[
    list[str] | None, typer.Option(help="An option of the index, KEY=VALUE; may be repeated.")
]
To = Annotated[
    list[str] | None,
    typer.Option(help="onnx, openvino, torchscript, coreml, ort-mobile ...; may be repeated."),
]
Loss = Annotated[
    str | None,
    typer.Option(
        help="ce, arcface, triplet ..., or several: ce+0.5*arcface.", autocompletion=_installed("loss")
    ),
]
LossOption = Annotated[
    list[str] | None, typer.Option(help="An option of a loss, LOSS.KEY=VALUE; may be repeated.")
]
Quality = Annotated[
    list[str] | None,
    typer.Option(
        help="Only this photo checker; may be repeated. [default: all that are installed]",
        autocompletion=_installed("quality"),
    ),
]
QualityOption = Annotated[
    list[str] | None, typer.Option(help="An option of a checker, CHECKER.KEY=VALUE; may be repeated.")
]
Trackers = Annotated[
    list[str] | None,
    typer.Option(
        "--tracker",
        help="Tell this tracker how training goes: tensorboard, mlflow ...; may be repeated.",
        autocompletion=_installed("tracker"),
    ),
]
TrackerOption = Annotated[
    list[str] | None, typer.Option(help="An option of a tracker, TRACKER.KEY=VALUE; may be repeated.")
]
RuntimeOption = Annotated[
    list[str] | None, typer.Option(help="An option of the runtime, KEY=VALUE; may be repeated.")
]
MinImages = Annotated[int | None, typer.Option(help="Fewest photos of an item. [default: 10]")]
Finetune = Annotated[
    str | None,
    typer.Option(
        help="How much of the backbone learns: auto, none, last or all. [default: auto: all, if it takes "
        "half an hour at most]",
        autocompletion=lambda: ["auto", "none", "last", "all"],
    ),
]
Lang = Annotated[str | None, typer.Option(help="Language of messages and hints: ko or en. [default: ko]")]
Describe = Annotated[bool, typer.Option("--describe", help="Add what metadata.json says about each exhibit.")]
Threshold = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="T: accept from this probability on. [default: the model's own]"),
]
TopK = Annotated[int, typer.Option(min=1, help="How many predictions to show.")]
IndexFile = Annotated[
    Path | None, typer.Option(help="A gallery made by build-index. [default: the model's own]")
]


def by_plugin(pairs: list[str] | None) -> dict[str, dict[str, object]]:
    """``["arcface.margin=0.2"]`` -> ``{"arcface": {"margin": 0.2}}``."""
    from lens_core.errors import BadSettingError

    values: dict[str, dict[str, object]] = {}
    for key, value in key_values(pairs).items():
        plugin, dot, option = key.partition(".")
        if not dot:
            raise BadSettingError(f"'{key}' does not say whose option it is.", f"Write NAME.{key}=...")
        values.setdefault(plugin, {})[option] = value
    return values


def key_values(pairs: list[str] | None) -> dict[str, object]:
    """``["nprobe=8", "mmap=true"]`` -> ``{"nprobe": 8, "mmap": True}``, each value read as YAML."""
    from lens_core.errors import BadSettingError
    from lens_core.settings import yaml_value

    values: dict[str, object] = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not equals:
            raise BadSettingError(f"'{pair}' is not KEY=VALUE.")
        values[key] = yaml_value(value, f"option {key}")
    return values
