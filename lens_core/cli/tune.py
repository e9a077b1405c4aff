"""``ai-lens tune``: T, M and D of a model, with a promise."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lens_core.cli import choices, options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lens_core.evaluation.asked import Asked
    from lens_core.evaluation.tuned import Candidate, Tuned
    from lens_core.runtime.lens import Lens
    from lens_core.settings import Settings


class Objective(StrEnum):
    """What the triple is chosen for."""

    RIGHT = "right"
    AUROC = "auroc"


class Score(StrEnum):
    """What T is compared with."""

    SOFTMAX = "softmax"
    MARGIN = "margin"
    DISTANCE = "distance"
    ENERGY = "energy"
    KNN = "knn"
    MAHALANOBIS = "mahalanobis"
    COMBINATION = "combination"
    AUTO = "auto"


def tune(
    context: typer.Context,
    model: Annotated[Path, typer.Option(help="The checkpoint whose T, M and D are chosen.")],
    data_root: options.DataRoot = None,
    ood: options.Ood = None,
    untrained: options.Untrained = None,
    max_false_accept: Annotated[
        float | None,
        typer.Option(
            help="Promise that at most this share of the photos that must be refused gets through. "
            "[default: what serves visitors best, with the promise that can be made of it]"
        ),
    ] = None,
    confidence: Annotated[float, typer.Option(help="How sure that must be.")] = 0.95,
    objective: Annotated[
        Objective, typer.Option(help="right: most visitors answered rightly. auroc: M and D that rank best.")
    ] = Objective.RIGHT,
    score: Annotated[
        Score,
        typer.Option(help="What T is compared with; softmax is the usual rule, auto lets the photos choose."),
    ] = Score.SOFTMAX,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found for programs.")] = False,
) -> None:
    """Choose T, M and D together, promise how many photos of no exhibit get through, write it into the model.

    Photos given with --ood or --untrained are what the promise is about. Without any it is about other
    places' exhibits, and each item in turn treated as unknown.
    """
    import json

    from lens_core.artifacts import manifest
    from lens_core.artifacts.atomic import check_writable, write_json
    from lens_core.artifacts.runs import CHECKPOINT
    from lens_core.cli.say import say, warn
    from lens_core.errors import BadSettingError, needing
    from lens_core.runtime.lens import Lens

    if max_false_accept is not None and not 0 < max_false_accept < 1:
        what = f"--max-false-accept must be between 0 and 1, not {max_false_accept:g}."
        raise BadSettingError(what, "For example 0.05.")
    if not 0.5 <= confidence < 1:
        what = f"--confidence must be at least 0.5 and below 1, not {confidence:g}."
        raise BadSettingError(what, "For example 0.95.")
    if (model / CHECKPOINT).exists():
        model = model / CHECKPOINT
    if model.suffix != ".ckpt":
        raise BadSettingError(
            f"{model} is an export; its numbers are those of its checkpoint.",
            "Tune the checkpoint (.ckpt), and export it again.",
        )
    with needing("tuning", "standard"):
        from lens_core.evaluation import card, tuning_record
        from lens_core.evaluation.tuned import prepare
        from lens_core.evaluation.tuned import tune as choose
    lens = Lens(model)
    check_writable(model)
    front, settings = choices.of(context), choices.settings(context)
    asked, data_hash = _ask(lens, data_root or front.data_root, ood or front.ood, untrained, settings)
    seed = int(lens.manifest.settings.get("seed", 0))
    found = choose(
        prepare(asked, score.value, settings.reject.false_accept_cost, seed),
        max_false_accept,
        confidence,
        objective.value,
    )
    after = tuning_record.tuned_manifest(lens.manifest, found, data_hash)
    record = tuning_record.to_dict(found, lens.manifest, after)
    write_json(model.parent / tuning_record.NAME, record)
    manifest.replace(model, after)
    if model.name == CHECKPOINT:
        card.write(model.parent, after, tuning_record.figures(found, seed))
    print(json.dumps(record, ensure_ascii=False, indent=1) if as_json else _tables(found))
    if found.chosen.point.accepted_right < HARDLY_ANY:
        warn("with these numbers nearly every photo is to be taken again: allow a higher --max-false-accept")
    say(f"{model}: version {after.model_version}. Exports made before keep the old numbers: export again.")


HARDLY_ANY = 0.1
"""Share of exhibits' photos answered rightly below which a model is of no use."""


def _ask(
    lens: Lens, data_root: Path, ood: Path | None, untrained: Path | None, settings: Settings
) -> tuple[Sequence[Asked], str]:
    """(the evidence, the hash of the exhibits' photos): photos the model learned from are asked of models
    made without them; new ones of the model itself."""
    from lens_core.artifacts.cache import file_hash
    from lens_core.artifacts.provenance import data_hash
    from lens_core.cli.say import stages, warn
    from lens_core.evaluation import visit
    from lens_core.photos.strays import find_strays
    from lens_core.runtime.material import photos_to_ask
    from lens_core.training import experiment

    to_ask = photos_to_ask(data_root, lens, settings.curation)
    dataset = to_ask.dataset
    if to_ask.warning:
        warn(to_ask.warning)
    strays = find_strays(dataset, data_root, ood, untrained)
    with stages() as stage:
        if to_ask.learned_from:
            subject = experiment.Subject.of_checkpoint(lens.path)
            asking = experiment.ask(subject, dataset, strays, stage=stage)
            asked, warnings = asking.folded, asking.lesson.warnings
        else:
            seen = visit.ask(lens, dataset, strays, stage)
            asked, warnings = seen.asked, seen.warnings
    for warning in warnings:
        warn(warning)
    return asked, data_hash(dataset, [file_hash(photo.path) for photo in dataset.photos])


def _tables(found: Tuned) -> str:
    return "\n\n".join([_scores(found), _candidates(found), _surface(found), _promise(found)])


def _scores(found: Tuned) -> str:
    from lens_core.cli.say import table

    kinds = list(next(iter(found.material.compared.values())))
    rows = [
        [name, *(f"{aurocs[kind]:.3f}" for kind in kinds)] for name, aurocs in found.material.compared.items()
    ]
    title = "What T could be compared with: AUROC on the photos that choose"
    return table(title, ["score", *kinds], rows)


def _candidates(found: Tuned) -> str:
    from lens_core.cli.say import table

    kinds = list(found.chosen.point.false_accepts)
    accepted = [f"accepted: {kind}" for kind in kinds]
    head = ["promise", "T", "M", "D", "right", "wrong", "retake", *accepted, ""]
    title = "What each promise costs: shares of exhibits' photos, and of photos to be refused"
    return table(title, head, [_row(one, kinds, one is found.chosen) for one in found.candidates])


def _row(one: Candidate, kinds: Sequence[str], chosen: bool) -> list[str]:
    triple = (one.thresholds.threshold, one.thresholds.min_top1_margin, one.thresholds.max_distance)
    right, wrong = one.point.accepted_right, one.point.accepted_wrong
    shares = (right, wrong, 1 - right - wrong, *(one.point.false_accepts[kind] for kind in kinds))
    return [
        f"{one.promise:.1%}",
        *(f"{value:.3f}" for value in triple),
        *(f"{share:.1%}" for share in shares),
        "chosen" if chosen else "",
    ]


def _surface(found: Tuned) -> str:
    from lens_core.cli.say import table
    from lens_core.evaluation.tuning_record import surface

    values = surface(found)
    columns = range(19, len(values["threshold"]), 20)  # every 0.1
    worst = [
        [max(rows[line][column] for rows in values["accepted"].values()) for column in columns]
        for line in range(len(values["min_top1_margin"]))
    ]
    rows = [
        [f"M {margin:.2f}"]
        + [f"{right[column]:.0%} / {bad:.0%}" for column, bad in zip(columns, line, strict=True)]
        for margin, right, line in zip(
            values["min_top1_margin"], values["answered_right"], worst, strict=True
        )
    ]
    title = f"Answered rightly / worst kind accepted, with D {values['max_distance']:.2f}"
    return table(title, ["", *(f"T {values['threshold'][column]:.2f}" for column in columns)], rows)


def _promise(found: Tuned) -> str:
    promise, confidence = found.chosen.promise, found.confidence
    lines = [f"At most {promise:.1%} of photos like those tested are accepted ({confidence:.0%} confidence):"]
    lines += [
        f"  {kind}: {bound.accepted} of {bound.shots} tested were accepted, so at most {bound.at_most:.1%}"
        for kind, bound in found.chosen.bounds.items()
    ]
    return "\n".join(lines)
