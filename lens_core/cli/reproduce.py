"""``ai-lens reproduce``: does the same run give the same model?"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lens_core.cli import options

if TYPE_CHECKING:
    from lens_core.artifacts.runs import RunRecord


def reproduce(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")],
    data_root: Annotated[
        Path | None, typer.Option(help="Where the photos lie now. [default: where they lay]")
    ] = None,
    ood: options.Ood = None,
    weights: options.Weights = None,
    save_dir: Annotated[
        Path | None, typer.Option(help="Keep the new run in this new folder. [default: it is thrown away]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Train again with a run's photos, settings and seed: is it the same model? Exit status: 0 yes, 9 no."""
    import json

    from lens_core.artifacts import runs
    from lens_core.errors import REQUIREMENT_NOT_MET, BadSettingError

    record = runs.read(run)
    if record.state != "done":
        raise BadSettingError(f"The run in {run} is not complete.", f"Go on with it: train --resume {run}")
    photos, unknown = data_root or record.data_of(run), ood or record.ood_of(run)
    if not photos:
        raise BadSettingError(f"The run in {run} does not tell where its photos lie.", "Pass --data-root.")
    if not photos.is_dir():
        raise BadSettingError(f"The photos of {run} do not lie where they lay.", "Pass --data-root.")
    if save_dir and save_dir.is_dir() and any(save_dir.iterdir()):
        raise BadSettingError(f"{save_dir} is not empty.", "Name a new folder: --save-dir.")
    found = _again(run, record, photos, unknown, weights, save_dir)
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        print("The same model, byte for byte." if found["same"] else "Not the same model:")
        for reason in (*found["photos"], *found["model"]):
            print(f"- {reason}")
        for reason in found["software"]:
            print(f"Beside that, {reason}")
    if not found["same"]:
        raise typer.Exit(REQUIREMENT_NOT_MET)


def _again(
    run: Path, record: RunRecord, data_root: Path, ood: Path | None, weights: Path | None, keep: Path | None
) -> dict[str, Any]:
    from lens_core.artifacts import runs
    from lens_core.artifacts.provenance import Origin
    from lens_core.cli.say import say, stages
    from lens_core.errors import needing
    from lens_core.photos.curated import scan_curated
    from lens_core.photos.strays import find_strays
    from lens_core.settings import flatten, from_dict, resolve

    with needing("training", "standard"):
        from lens_core.training import reproduce
        from lens_core.training.train import train
    about = reproduce.about(run)
    given = record.settings_in(run) | runs.settled(from_dict(about.settings))
    given |= {"trackers": [], "tracker_options": {}}  # nobody is told a second time
    given |= {"weights": str(weights)} if weights else {}
    settings = resolve(flags=given, environ={}).settings
    dataset = scan_curated(data_root, settings.curation, record.places)
    strays = find_strays(dataset, data_root, ood)
    if photos := reproduce.changed_photos(run, dataset, strays):
        return {"same": False, "photos": photos, "model": [], "software": []}
    with nullcontext(str(keep)) if keep else TemporaryDirectory() as name, stages() as stage:
        folder, origin = Path(name), Origin.here()
        begun = runs.RunRecord.of(folder, data_root, record.places, ood, flatten(settings), origin)
        with runs.recorded(folder, begun):
            train(
                settings,
                dataset,
                folder,
                strays=strays,
                version=about.model_version,
                origin=origin,
                stage=stage,
                tell=say,
            )
        model = reproduce.changed_model(run, folder)
        software = reproduce.changed_software(run, folder)
    return {"same": not model, "photos": [], "model": model, "software": software}
