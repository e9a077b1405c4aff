"""``ai-lens`` without a command: from ./data to a model that answers, in one go."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from lens_core.cli import export, say, train, validate_data

if TYPE_CHECKING:
    from lens_core.cli.choices import Choices
    from lens_core.settings import Settings


def whole_job(choices: Choices) -> None:
    """Validate, train, measure and tune, index, export. Everything lands in one folder."""
    from lens_core.photos.curated import scan_curated

    settings = choices.resolve().settings
    run_folder = choices.save_dir or train.default_run_folder()
    say.say(f"1/4 Checking {choices.data_root}")
    dataset = scan_curated(choices.data_root, settings.curation)
    found = validate_data.look(dataset, settings)
    validate_data.show(found)
    validate_data.refuse(found, dataset, settings)
    say.say(f"2/4 Training {settings.backbone}, measuring and tuning it on held-out photos")
    run = train.run_training(settings, choices.data_root, run_folder, ood=choices.ood)
    say.say(f"3/4 Building {settings.index} indexes")
    _index_places(run.checkpoint, settings)
    if settings.export.onnx:
        say.say("4/4 Exporting")
        model = export.export_to(run.checkpoint, "onnx", None, {"opset": settings.export.opset})
    else:
        model = run.checkpoint
    say.say(f"Done. Try: ai-lens infer --model {model} --place {run.dataset.places[0]} --image PHOTO")


def _index_places(checkpoint: Path, settings: Settings) -> None:
    from lens_core.runtime.lens import Lens
    from lens_core.runtime.search import to_file

    lens = Lens(checkpoint)
    taken: set[str] = set()
    for place in lens.gallery.places:
        file = to_file(
            lens.gallery.of_place(place), lens.manifest.embedding_id, settings.index, settings.index_options
        )
        path = checkpoint.parent / f"{_free_name(place, taken)}.index"
        file.write(path)
        print(path)


def _free_name(place: str, taken: set[str]) -> str:
    """A file name for a place: safe on every system, and no other place's, also where case does not count."""
    from pathvalidate import sanitize_filename

    safe = sanitize_filename(place, replacement_text="_")
    names = (safe if number == 1 else f"{safe}-{number}" for number in count(1))
    name = next(name for name in names if name.casefold() not in taken)
    taken.add(name.casefold())
    return name
