"""``ai-lens demo``: the whole path on a museum that is drawn on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lens_core.cli import choices

if TYPE_CHECKING:
    from lens_core.demo.exhibition import Exhibition
    from lens_core.settings import Settings
    from lens_core.training.desk import TrainedRun


def demo(
    context: typer.Context,
    folder: Annotated[Path, typer.Option(help="Where the photos and the model go.")] = Path(
        "demo-exhibition"
    ),
) -> None:
    """Draw a small museum, train on it, export, and answer three visitors' photos. A few minutes."""
    from lens_core.cli.export import export_to
    from lens_core.cli.say import how_to_ask, say, stages
    from lens_core.demo.exhibition import render_exhibition
    from lens_core.errors import need_pytorch

    need_pytorch("the demo")
    settings = choices.settings(context)
    say("1/4 Drawing a small museum: 3 places, 12 exhibits, 20 photos of each")
    with stages() as stage:
        exhibition = render_exhibition(folder, progress=stage("Drawing"))
    say("2/4 Training")
    run = _train(exhibition, folder / "run", settings)
    say("3/4 Exporting to ONNX, which answers without PyTorch")
    model = export_to(run.checkpoint, "onnx", None, {})
    say("4/4 Answering three visitors' photos")
    _answer(model, exhibition, settings.lang)
    say(f"\nThe photos: {exhibition.data}\nThe run, with metrics.json: {run.checkpoint.parent}")
    say(f"Ask again: {how_to_ask(model, exhibition.visitor_place)}")
    say("Your own photos, as data/place/item/*.jpg: ai-lens --backbone mobilenetv2 --index faiss")


def _train(exhibition: Exhibition, save_dir: Path, settings: Settings) -> TrainedRun:
    """With pretrained weights where they can be had, else a small network from scratch."""
    import attrs

    from lens_core.cli.say import say
    from lens_core.cli.train import Order, run_training
    from lens_core.demo.exhibition import FROM_SCRATCH, PRETRAINED
    from lens_core.errors import WeightsUnavailableError

    order = Order(attrs.evolve(settings, **PRETRAINED), exhibition.data, ood=exhibition.ood)
    try:
        return run_training(order, save_dir)
    except WeightsUnavailableError as error:
        say(f"{error.what} Training a small network from scratch instead: about 3 minutes.")
        return run_training(order._replace(settings=attrs.evolve(settings, **FROM_SCRATCH)), save_dir)


def _answer(model: Path, exhibition: Exhibition, lang: str) -> None:
    from lens_core.cli.say import say
    from lens_core.runtime.lens import Lens

    lens = Lens(model, lang=lang)
    place = exhibition.visitor_place
    for what, photo in (
        (f"{exhibition.exhibit_item}, an exhibit of {place}", exhibition.exhibit),
        ("an exhibit of another place", exhibition.other_place),
        ("a wall", exhibition.wall),
    ):
        say(f"\n{photo}: {what}")
        print(lens.infer(place, photo).to_json())
