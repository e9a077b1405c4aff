"""``ai-lens`` without a command: from ./data to a model that answers, in one go."""

from __future__ import annotations

import shlex
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from lens_core.cli import evaluate, export, say, train, validate_data

if TYPE_CHECKING:
    from lens_core.cli.choices import Choices
    from lens_core.settings import Settings


def whole_job(choices: Choices) -> None:
    """Validate, train, tune, measure, index, export. Everything lands in one folder."""
    from lens_core.photos.curated import scan_curated

    settings = choices.resolve().settings
    order = train.Order(settings, choices.data_root, ood=choices.ood)
    run_folder = choices.save_dir or train.folder_for(order)
    say.say(f"1/5 Checking {choices.data_root}")
    dataset = scan_curated(choices.data_root, settings.curation)
    found = validate_data.look(dataset, settings)
    validate_data.show(found)
    validate_data.refuse(found, dataset, settings)
    say.say(f"2/5 Training {settings.backbone} and tuning it on held-out photos")
    run = train.run_training(order, run_folder)
    if run.manifest.operating_point:
        say.say("3/5 Measuring it, and writing the report")
        evaluated = evaluate.run_evaluation(
            settings, choices.data_root, run.checkpoint, run_folder, ood=choices.ood, audited=found
        )
        evaluate.leave(evaluated, run_folder, settings.lang)
    else:
        say.say("3/5 There are too few photos to measure on: no report")
    say.say(f"4/5 Building {settings.index} indexes")
    _index_places(run.checkpoint, settings)
    if settings.export.onnx:
        say.say("5/5 Exporting")
        model = export.export_to(run.checkpoint, "onnx", None, export.configured("onnx", settings))
    else:
        model = run.checkpoint
    say.say(f"Ready for opening day? ai-lens checklist {shlex.quote(str(run_folder))}")
    say.say(f"Done. Try: {say.how_to_ask(model, run.dataset.places[0])}")


def _index_places(checkpoint: Path, settings: Settings) -> None:
    from lens_core.runtime import indexes
    from lens_core.runtime.lens import Lens

    lens = Lens(checkpoint)
    taken: set[str] = set()
    for place in lens.gallery.places:
        path = checkpoint.parent / f"{_free_name(place, taken)}.index"
        rows, identity = lens.gallery.of_place(place), lens.manifest.embedding_id
        indexes.write_file(path, rows, identity, settings.index, settings.index_options)
        print(path)


def _free_name(place: str, taken: set[str]) -> str:
    """A file name for a place: safe on every system, and no other place's, also where case does not count."""
    from pathvalidate import sanitize_filename

    safe = sanitize_filename(place, replacement_text="_")
    names = (safe if number == 1 else f"{safe}-{number}" for number in count(1))
    name = next(name for name in names if name.casefold() not in taken)
    taken.add(name.casefold())
    return name
