"""What can be set, and where each value came from: defaults < YAML file < ``AI_LENS_*`` < flags.

A key is written ``reject.threshold`` in messages, nested in YAML, and ``AI_LENS_REJECT__THRESHOLD`` in the
environment. An unknown key or a wrong type is E600, naming the key, the line and the nearest valid key.
"""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs
import cattrs
from attrs import field, frozen
from attrs.validators import ge, gt, le, lt, optional

from lens_core.errors import BadSettingError
from lens_core.structure import converter, explain

_converter = converter.copy(forbid_extra_keys=True)

NOT_SETTINGS = frozenset({"AI_LENS_DEBUG", "AI_LENS_TRACE", "AI_LENS_PLUGINS", "AI_LENS_CACHE_DIR"})
"""Environment variables that steer the program itself and are no settings."""


Lang = Literal["ko", "en"]
Balance = Literal["none", "items", "weights"]
_share: list[Any] = [ge(0), le(1)]
_rate: list[Any] = [gt(0), le(1)]


@frozen
class Augment:
    """Changes made to training photos: in the views kept of each, and at every step of fine-tuning."""

    random_resized_crop: bool = True
    color_jitter: float = field(default=0.2, validator=ge(0))
    horizontal_flip: bool = True
    gaussian_blur: bool = True
    glare: bool = False
    """Soft white spots, as lamps mirrored in a showcase's glass leave them."""
    perspective: bool = False
    """Taken from one side, or from above or below."""
    jpeg: bool = False
    """Compressed hard, as apps do before they send a photo."""


@frozen
class Hardware:
    """How training uses the machine. Models agree but for rounding, however it is set."""

    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the network's arithmetic while it learns; auto: bfloat16 where the processor is made for it."""
    micro_batch: int | None = field(default=None, validator=optional(ge(1)))
    """Photos that go through the network at once; null: the whole batch where memory allows. Fewer need less
    memory and a third more time: the batch is the same."""
    workers: int | None = field(default=None, validator=optional(ge(0)))
    """Processes that make changed views of photos; null: one per core beside a GPU, up to
    eight; none without."""
    compile: bool = False
    """Let PyTorch compile the network: pays on a GPU, in long trainings."""


@frozen
class Removal:
    """A photo that training leaves out; its file stays."""

    photo: str
    """Inside the data folder: ``A/ㄱ/img_001.jpg``."""
    reason: str = ""


@frozen
class Retake:
    """What to photograph again."""

    what: str
    """A place, ``A``, an item, ``A/ㄱ``, or a photo, ``A/ㄱ/img_001.jpg``."""
    how: str
    reason: str = ""


@frozen
class Curation:
    """What a curator decided about the photos; ``validate-data --suggest`` proposes it."""

    remove: list[Removal] = field(factory=list)
    """Photos that are left out, by their path inside the data folder: `[{photo: A/ㄱ/img_001.jpg}]`."""
    retake: list[Retake] = field(factory=list)
    """What to photograph again and how. For people: training passes over it."""


@frozen
class Reject:
    """When to answer ``recollect``. Training retunes the three numbers on the photos."""

    threshold: float = field(default=0.62, validator=_share)
    """T: the least calibrated probability of the best item."""
    min_top1_margin: float = field(default=0.12, validator=_share)
    """M: the least lead of the best item over the second."""
    max_distance: float = field(default=0.0, validator=[ge(0), lt(2)])
    """D: the largest cosine distance to the nearest reference photo; 0: this opinion is not used."""
    false_accept_cost: float = field(default=1.0, validator=ge(0))
    """How much one accepted photo of an unknown exhibit counts against one right answer, in tuning."""
    tune: bool = True
    """``false`` keeps the three numbers as they are set here."""


@frozen
class Export:
    """How models are exported."""

    onnx: bool = True
    """Whether the whole job ends with an ONNX file."""
    opset: int = 17
    """Of every ONNX file."""


@frozen
class Settings:
    """Everything a run depends on; recorded with the model it makes."""

    seed: int = field(default=42, validator=[ge(0), le(2**31)])
    img_size: int | None = field(default=None, validator=optional(ge(32)))
    """Side of the model's input in pixels; null: what the backbone is best at."""
    backbone: str = "vit_b16"
    weights: str | None = None
    """A local .safetensors file for the backbone instead of a download."""
    pretrained: bool = True
    """false: start the backbone from random weights, all of which is then trained."""
    finetune: Literal["auto", "none", "last", "all"] = "auto"
    """How much of the backbone is trained. none: its features are computed once and only the heads learn, in
    seconds; last: its last blocks too; all: all of it; auto: all of it where that takes no more than half an
    hour on this machine, else none."""
    train_size: int | None = field(default=None, validator=optional(ge(32)))
    """Side of the input while the backbone learns, in pixels; null: two thirds of img_size, if it can."""
    epochs: int | None = field(default=None, validator=optional(ge(1)))
    """Passes over the photos; null: 30 for heads on cached features, 10 for fine-tuning. After fine-tuning,
    heads are fitted in 30 in any case."""
    patience: int | None = field(default=None, validator=optional(ge(1)))
    """End fine-tuning after so many passes that did no better on held-out photos; null: never."""
    batch_size: int = field(default=32, validator=ge(2))
    optimizer: Literal["adamw"] = "adamw"
    lr: float = field(default=3e-4, validator=_rate)
    """Learning rate of the backbone when fine-tuning."""
    head_lr: float | None = field(default=None, validator=optional(_rate))
    """Learning rate of the heads; null: 10 times ``lr`` on a pretrained backbone, else ``lr``."""
    layer_decay: float = field(default=1.0, validator=[gt(0), le(1)])
    """Each layer of the backbone learns so much slower than the one after it; 1: all alike."""
    weight_decay: float = field(default=0.05, validator=ge(0))
    scheduler: Literal["cosine"] = "cosine"
    ema: float = field(default=0.98, validator=[ge(0), lt(1)])
    """The fine-tuned model is a moving average of the weights, with this share of the past, less in a short
    training; 0: the last weights."""
    mixup: float = field(default=0.0, validator=ge(0))
    """Blend two photos into one, by a share drawn from Beta(mixup, mixup); 0: never."""
    cutmix: float = field(default=0.0, validator=ge(0))
    """Paste a part of another photo, its area drawn from Beta(cutmix, cutmix); 0: never."""
    loss: str = "ce+arcface"
    """One loss, or several added up, each with a weight if need be: ``ce+0.5*arcface``."""
    loss_options: dict[str, Any] = field(factory=dict)
    """Options of the losses by name: ``{arcface: {margin: 0.2}}``."""
    embedding_dim: int = field(default=512, validator=ge(2))
    augment: Augment = field(factory=Augment)
    balance: Balance = "none"
    """Of items with few photos and many. items: every item is shown equally often; weights: every item counts
    the same in the loss."""
    mining_from: int | None = field(default=None, validator=optional(ge(1)))
    """From this pass on, items that are confused with each other are shown more often, side by side, and
    count more; null: never."""
    gallery_views: int = field(default=0, validator=[ge(0), le(8)])
    """Changed views of each reference photo that are kept beside it in the gallery."""
    hardware: Hardware = field(factory=Hardware)
    curation: Curation = field(factory=Curation)
    min_images: int = field(default=10, validator=ge(1))
    """Fewest photos of an item before validate-data and train refuse."""
    trackers: list[str] = field(factory=list)
    """What is told how training goes: ``[tensorboard]``."""
    tracker_options: dict[str, Any] = field(factory=dict)
    """Options of the trackers by name: ``{mlflow: {experiment: east wing}}``."""
    reject: Reject = field(factory=Reject)
    index: str = "exact"
    index_options: dict[str, Any] = field(factory=dict)
    """Options of that index: ``{kind: hnsw}``. A flag that names another index leaves them behind."""
    quality: list[str] | None = None
    """The photo checkers that run; null: every one that is installed."""
    quality_options: dict[str, Any] = field(factory=dict)
    """Options of the checkers by name: ``{photo: {blur_radius: 1.4}}``."""
    runtime_options: dict[str, Any] = field(factory=dict)
    """Options of the runtime that opens the model: ``{threads: 2}``."""
    export: Export = field(factory=Export)
    lang: Lang = "ko"
    """Language of messages and hints for visitors."""
    strip_pii: bool = False
    """Write no path that may name a person: file names stay, the folders they were given in do not."""

    @property
    def published(self) -> bool:
        """Whether the backbone begins with weights that have learned from other photos."""
        return bool(self.pretrained or self.weights)


@frozen
class Resolved:
    """The settings in force and, for each dotted key, where its value came from."""

    settings: Settings
    origins: Mapping[str, str]


def keys(cls: type[Any] = Settings, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every dotted key and its type: ``("reject.threshold", float)``."""
    hints = get_type_hints(cls)
    for attribute in attrs.fields(cls):
        kind = hints[attribute.name]
        if attrs.has(kind):
            yield from keys(kind, f"{prefix}{attribute.name}.")
        else:
            yield f"{prefix}{attribute.name}", kind


def resolve(
    file: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    begun_with: Mapping[str, Any] | None = None,
) -> Resolved:
    """Merge the layers. ``flags`` uses dotted keys; entries that are None were not given.

    ``begun_with``: the settings of a run that goes on, by dotted key, below all layers. A layer that names
    another index than the layers below it does not inherit their ``index_options``.
    """
    types = dict(keys())
    values: dict[str, Any] = {}
    origins = dict.fromkeys(types, "default")
    before, given = (
        {key: value for key, value in (layer or {}).items() if value is not None}
        for layer in (begun_with, flags)
    )
    for layer in (
        ((key, value, "the run's settings") for key, value in before.items()),
        _from_file(file, types) if file else (),
        _from_environment(os.environ if environ is None else environ, types),
        ((key, value, f"flag --{key.replace('.', '-').replace('_', '-')}") for key, value in given.items()),
    ):
        entries = list(layer)
        if any(key == "index" and value != values.get("index", value) for key, value, _ in entries):
            values.pop("index_options", None)  # they were for the index that was named before
            origins["index_options"] = "default"
        for key, value, origin in entries:
            values[key] = _completed(values.get(key), _typed(key, value, types[key], origin))
            origins[key] = origin
    return Resolved(_assemble(values, origins), origins)


def _completed(below: Any, value: Any) -> Any:
    """Options complete those of the layers below; any other value stands in for what was there."""
    if not (isinstance(below, dict) and isinstance(value, dict)):
        return value
    return below | {key: _completed(below.get(key), own) for key, own in value.items()}


def loss_terms(text: str) -> dict[str, float]:
    """The losses in ``ce+0.5*arcface`` and their weights: ``{"ce": 1.0, "arcface": 0.5}``."""
    terms: dict[str, float] = {}
    for term in text.split("+"):
        weight, star, name = (part.strip() for part in term.rpartition("*"))
        if not name or name in terms:
            what = f"'{name}' is named twice" if name else "a name is missing"
            raise BadSettingError(f"loss: {what} in '{text}'.", "For example: ce+0.5*arcface")
        terms[name] = _weight(weight, text) if star else 1.0
    return terms


def _weight(text: str, losses: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise BadSettingError(f"loss: '{text}' in '{losses}' is no weight.", "For example: ce+0.5*arcface")
    return weight


def to_yaml(settings: Settings) -> str:
    """The settings as a file that ``--config`` reads."""
    from io import StringIO

    from ruamel.yaml import YAML

    text = StringIO()
    YAML().dump(to_dict(settings), text)
    return text.getvalue()


def flatten(settings: Settings) -> dict[str, Any]:
    """``{"reject.threshold": 0.62, ...}`` in the order of the classes."""
    values = to_dict(settings)
    return {key: _get(values, key) for key, _ in keys()}


def to_dict(settings: Settings) -> dict[str, Any]:
    return attrs.asdict(settings)


def recorded(settings: Settings) -> dict[str, Any]:
    """As a model's manifest and a report keep them."""
    return impersonal(to_dict(settings))


def impersonal(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without the folders of whoever trained, and without who was told of it: neither makes another
    model."""
    weights = values.get("weights")
    return {**values, "weights": weights and Path(weights).name, "trackers": [], "tracker_options": {}}


def kept(settings: Settings) -> Settings:
    """As the run's own folder keeps them: with ``strip_pii`` as everybody may see them."""
    return from_dict(recorded(settings)) if settings.strip_pii else settings


def from_dict(values: Mapping[str, Any]) -> Settings:
    """What :func:`to_dict` made, as a model's manifest keeps it. Raises BadSettingError (E600)."""
    try:
        return _converter.structure(values, Settings)
    except (ValueError, cattrs.BaseValidationError) as error:
        raise BadSettingError(f"The model's settings are not understood: {explain(error)}.") from error


def _get(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values[part]
    return values


def _assemble(values: Mapping[str, Any], origins: Mapping[str, str]) -> Settings:
    settings = Settings()
    for key, value in values.items():
        head, _, rest = key.partition(".")
        try:
            new = attrs.evolve(getattr(settings, head), **{rest: value}) if rest else value
            settings = attrs.evolve(settings, **{head: new})
        except ValueError as error:
            reason = str(error).replace(f"'{rest or head}'", "it")
            raise BadSettingError(f"{key}: {reason} ({origins[key]}).") from error
    return settings


def _typed(key: str, value: Any, kind: Any, origin: str) -> Any:
    options = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    if value is None and NoneType in options:
        return None
    kind = next(option for option in options if option is not NoneType)
    if get_origin(kind) is Literal:
        if value in get_args(kind):
            return value
        allowed = " or ".join(f"'{choice}'" for choice in get_args(kind))
        raise BadSettingError(f"{key}: expected {allowed}, got {value!r} ({origin}).")
    if get_origin(kind) is list:
        return _typed_list(key, value, get_args(kind)[0], origin)
    try:
        if (get_origin(kind) is dict or attrs.has(kind)) and not isinstance(value, dict):
            raise ValueError(f"expected `key: value` pairs, got {value!r}")
        return _converter.structure(value, kind)
    except (ValueError, cattrs.BaseValidationError) as error:
        raise BadSettingError(f"{key}: {explain(error)} ({origin}).") from error


def _typed_list(key: str, value: Any, kind: Any, origin: str) -> list[Any]:
    if value is None:  # somebody took the last entry out
        return []
    if not isinstance(value, list):
        raise BadSettingError(f"{key}: expected a list, got {value!r} ({origin}).")
    return [_typed(key, entry, kind, origin) for entry in value]


def _check_known(key: str, types: Mapping[str, Any], origin: str) -> None:
    if key in types:
        return
    members = [name for name in types if name.startswith(f"{key}.")]
    if members:
        raise BadSettingError(
            f"{key}: is a group of settings ({origin}).", f"Its members: {', '.join(members)}."
        )
    nearest = difflib.get_close_matches(key, [*types, *{name.partition(".")[0] for name in types}], n=1)
    hint = f"Did you mean '{nearest[0]}'?" if nearest else BadSettingError.remedy
    raise BadSettingError(f"{key}: there is no such setting ({origin}).", hint)


def _from_file(file: Path, types: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap, CommentedSeq
    from ruamel.yaml.error import YAMLError

    try:
        document = YAML(typ="rt").load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettingError(f"The settings file {file} cannot be read: {error}.") from error
    except YAMLError as error:
        raise BadSettingError(
            f"The settings file {file} is not YAML: {' '.join(str(error).split())}."
        ) from error
    if document is None:
        return
    if not isinstance(document, CommentedMap):
        raise BadSettingError(f"The settings file {file} must hold `key: value` lines.")
    groups = {key.partition(".")[0] for key in types if "." in key}

    def walk(node: CommentedMap, prefix: str) -> Iterator[tuple[str, Any, str]]:
        for name, value in node.items():
            key, origin = f"{prefix}{name}", f"{file} line {node.lc.key(name)[0] + 1}"
            if not prefix and name in groups:
                if not isinstance(value, CommentedMap):
                    raise BadSettingError(f"{key}: expected indented settings, got {value!r} ({origin}).")
                yield from walk(value, f"{key}.")
            else:
                _check_known(key, types, origin)
                if isinstance(value, CommentedSeq):
                    _check_entries(key, value, types[key], file)
                yield key, _plain(value), origin

    yield from walk(document, "")


def _check_entries(key: str, entries: Any, kind: Any, file: Path) -> None:
    """Of a long list, a mistake must name the line of its entry."""
    if get_origin(kind) is list:
        for number, entry in enumerate(entries):
            line = entries.lc.item(number)[0] + 1
            _typed(key, _plain(entry), get_args(kind)[0], f"{file} line {line}")


def _plain(value: Any) -> Any:
    """ruamel keeps how a value was written in subclasses; the settings want the bare value."""
    if isinstance(value, dict):
        return {str(key): _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def _from_environment(environ: Mapping[str, str], types: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    for variable in sorted(environ):
        if variable.startswith("AI_LENS_") and variable not in NOT_SETTINGS:
            key = variable.removeprefix("AI_LENS_").lower().replace("__", ".")
            origin = f"environment {variable}"
            _check_known(key, types, origin)
            is_text = types[key] in (str, str | None)
            yield key, environ[variable] if is_text else yaml_value(environ[variable], origin), origin


def yaml_value(text: str, origin: str) -> Any:
    """One value written as YAML: ``8``, ``true``, ``[1, 2]``."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe").load(text)
    except YAMLError as error:
        raise BadSettingError(f"{text!r} cannot be read as a value ({origin}).") from error
