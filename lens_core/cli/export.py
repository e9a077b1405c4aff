"""``ai-lens export``: a checkpoint -> a file for another runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lens_core.cli import options


def export(
    ckpt: Annotated[Path, typer.Option(help="The checkpoint to export.")],
    onnx: Annotated[Path | None, typer.Option(help="Write ONNX here; short for --to onnx.")] = None,
    to: Annotated[list[str] | None, typer.Option(help="An exporter's name; may be repeated.")] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="An option of the exporter, KEY=VALUE; may be repeated.")
    ] = None,
) -> None:
    """Export a checkpoint. Nothing is written unless the export answers as the checkpoint does."""
    given = options.key_values(option)
    targets: list[tuple[str, Path | None]] = [("onnx", onnx)] if onnx else []
    targets += [(name, None) for name in to or [] if not (onnx and name == "onnx")]
    if not targets:
        raise typer.BadParameter("say where to: --onnx FILE or --to NAME")
    for name, path in targets:
        export_to(ckpt, name, path, given)


def export_to(ckpt: Path, name: str, path: Path | None, given: dict[str, Any]) -> Path:
    """Export and print the path written; by default beside the checkpoint."""
    from lens_core.cli.say import say
    from lens_core.errors import needing

    with needing("exporting", "standard"):
        from lens_core.training.export import export
    say(f"Exporting {ckpt} to {name} ...")
    written = export(ckpt, name, path, given)
    print(written)
    return written
