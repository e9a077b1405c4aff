"""``ai-lens export``: a checkpoint -> files for other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import attrs
import typer

from lens_core.cli import choices, options

if TYPE_CHECKING:
    from lens_core.artifacts.manifest import Certificate
    from lens_core.settings import Settings


def export(
    context: typer.Context,
    ckpt: Annotated[Path, typer.Option(help="The checkpoint to export.")],
    onnx: Annotated[Path | None, typer.Option(help="Write ONNX here; short for --to onnx.")] = None,
    to: options.To = None,
    quantize: Annotated[
        str | None, typer.Option(help="int8: smaller and faster, and checked for what it costs.")
    ] = None,
    max_loss: Annotated[
        float | None,
        typer.Option(min=0, help="Percentage points that int8 may lose. [default: 1]"),
    ] = None,
    data_root: Annotated[
        Path | None,
        typer.Option(
            help="Photos to check the export on. [default: some that the checkpoint carries; int8: ./data]"
        ),
    ] = None,
    ood: options.Ood = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="KEY=VALUE for every exporter named, NAME.KEY=VALUE for one; may be repeated."),
    ] = None,
) -> None:
    """Export a checkpoint. Nothing is written unless it answers real photos as the checkpoint does."""
    given = options.key_values(option)
    targets: list[tuple[str, Path | None]] = [("onnx", onnx)] if onnx else []
    targets += [(name, None) for name in dict.fromkeys(to or []) if not (onnx and name == "onnx")]
    if not targets:
        raise typer.BadParameter("say where to: --onnx FILE or --to NAME")
    if max_loss is not None and not quantize:
        raise typer.BadParameter("goes with --quantize int8", param_hint="--max-loss")
    front = choices.of(context)
    _check_first(targets, given)
    settings = front.resolve().settings
    photos = data_root or front.named_data_root
    if quantize and not photos and front.data_root.is_dir():
        photos = front.data_root
    asked: dict[str, Any] = {"data_root": photos, "ood": ood or front.ood, "quantize": quantize}
    if max_loss is not None:
        asked["allowed_loss"] = max_loss
    for name, path in targets:
        export_to(ckpt, name, path, configured(name, settings) | _own(name, given), **asked)


def configured(name: str, settings: Settings) -> dict[str, Any]:
    """The options that the settings hold for an exporter which knows them."""
    from lens_core import plugins

    known = attrs.fields_dict(plugins.load("exporter", name).options_type())
    return {"opset": settings.export.opset} if "opset" in known else {}


def _check_first(targets: list[tuple[str, Path | None]], given: dict[str, Any]) -> None:
    """Of several exports, a mistake in the last must show before the first is made."""
    from lens_core import plugins
    from lens_core.errors import BadSettingError

    names = [name for name, _ in targets]
    for key in given:
        if "." in key and key.partition(".")[0] not in names:
            raise BadSettingError(
                f"Option '{key}' is for none of {', '.join(names)}.", "Write NAME.KEY=VALUE."
            )
    for name in names:
        plugins.load("exporter", name).options(_own(name, given), name)


def _own(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """The options that are for everybody, and those for the exporter ``name``."""
    shared = {key: value for key, value in given.items() if "." not in key}
    own = {key: value for key, value in given.items() if key.startswith(f"{name}.")}
    return shared | {key.partition(".")[2]: value for key, value in own.items()}


def export_to(ckpt: Path, name: str, path: Path | None, given: dict[str, Any], **asked: Any) -> Path:
    """Export and print the path written; by default beside the checkpoint."""
    from lens_core.cli.say import say, table
    from lens_core.errors import ExportMismatchError, needing

    with needing("exporting", "standard"):
        from lens_core.training.export import export
    say(f"Exporting {ckpt} to {name} ...")
    try:
        done = export(ckpt, name, path, given, **asked)
    except ExportMismatchError as error:
        if error.table:
            say(table("What differs", list(error.table[0]), [list(row) for row in error.table[1:]]))
        raise
    say(_words(done.certificate))
    print(done.path)
    return done.path


def _words(certificate: Certificate) -> str:
    """What the check found, in one line."""
    if certificate.checked == "spec":
        return "It cannot run on this machine; what was written was compared with the checkpoint instead."
    if certificate.precision == "int8":
        lost = ", ".join(f"{kind} {points:+.2f}" for kind, points in certificate.points_lost.items())
        return f"Asked {certificate.photos} pictures; percentage points lost: {lost}"
    return (
        f"Same decision on {certificate.photos} photos; "
        f"scores differ by at most {certificate.largest_score_difference:.1g}"
    )
