"""Plugins: find (metadata only) -> load (one import) -> check (pluggy).

Listing reads the metadata of installed distributions and imports nothing, so a broken plugin hurts only
the one who chooses it. A chosen plugin gets a fresh pluggy manager of its own.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import pluggy
from attrs import field, frozen, has

from lens_core import hookspecs
from lens_core.blame import Guarded, blaming, one_line
from lens_core.errors import (
    AmbiguousPluginError,
    BadSettingError,
    BrokenPluginError,
    LensError,
    NotInstalledError,
    PluginNotAllowedError,
    UnknownPluginError,
)

CORE = "ai-lens-helper"


_SAY_NO = (
    "DO_NOT_TRACK",
    "HF_HUB_DISABLE_TELEMETRY",
    "MLFLOW_DISABLE_TELEMETRY",
    "ORT_DISABLE_TELEMETRY",
)
"""Libraries that plugins use send reports home, from the moment they are imported, unless these are set."""


@frozen
class Family:
    """One kind of plugin: where it registers and the hooks of which it must implement at least one."""

    name: str
    group: str
    hooks: tuple[str, ...]
    contract: str | None = None
    """What its hook makes, in :mod:`lens_core.contracts`."""
    takes_more: bool = False
    """Whether what follows a colon in the name is for the plugin: ``timm:resnet18``."""
    guarded: bool = False
    """Whether failures in the product's methods name the plugin (torch modules are called by torch)."""


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("backbone", "ai_lens.backbones", ("make_backbone",), "Backbone", takes_more=True),
        Family("loss", "ai_lens.losses", ("make_loss",), "Loss"),
        Family("index", "ai_lens.indexes", ("make_index",), "VectorIndex", guarded=True),
        Family("exporter", "ai_lens.exporters", ("make_exporter",), "Exporter", guarded=True),
        Family("runtime", "ai_lens.runtimes", ("make_runtime",), "Runtime", guarded=True),
        Family("quality", "ai_lens.quality", ("check_photo", "check_dataset")),
        Family("tracker", "ai_lens.trackers", ("make_tracker",), "Tracker", guarded=True),
    )
}

# Only for advice: which distribution to install for a name that nothing installed offers.
PUBLISHED: dict[str, dict[str, str]] = {
    "backbone": dict.fromkeys(
        ("vit_b16", "resnet50", "efficientnet_b3", "convnext_tiny", "mobilenetv2", "timm"), "ai-lens-timm"
    ),
    "loss": {},
    "index": {name: f"ai-lens-{name}" for name in ("annoy", "faiss", "scann", "usearch")},
    "exporter": {
        **{name: f"ai-lens-{name}" for name in ("coreml", "onnx", "openvino", "torchscript")},
        "ort-mobile": "ai-lens-onnx",
    },
    "runtime": {
        "mlpackage": "ai-lens-coreml",
        "onnx": "ai-lens-onnx",
        "ort": "ai-lens-onnx",
        "pt": "ai-lens-torchscript",
        "xml": "ai-lens-openvino",
    },
    "quality": {"photo": "ai-lens-photo"},
    "tracker": {name: f"ai-lens-{name}" for name in ("mlflow", "tensorboard")},
}


@frozen
class Plugin:
    """What the metadata says about one plugin; nothing has been imported."""

    family: Family
    name: str
    module: str
    distribution: str
    version: str

    @property
    def title(self) -> str:
        """As error messages name it: ``index 'faiss' (ai-lens-faiss 0.2.0)``."""
        return f"{self.family.name} '{self.name}' ({self.distribution} {self.version})"


def find(family_name: str) -> list[Plugin]:
    """Every installed plugin of a family, by name, from metadata alone."""
    family = FAMILIES[family_name]
    plugins = [
        Plugin(family, entry.name, entry.value, *known)
        for entry in _entry_points(family.group)
        if (known := _distribution(entry))
    ]
    return sorted(plugins, key=lambda plugin: (plugin.name, plugin.distribution))


def _distribution(entry: metadata.EntryPoint) -> tuple[str, str] | None:
    """(name, version) of who offers it; None where it was half removed, or says nothing that can be read."""
    try:
        return (entry.dist.name, entry.dist.version) if entry.dist else None
    except Exception:  # noqa: BLE001 # whichever finder is in use, its own kind: it shall hurt nobody else
        return None


def _entry_points(group: str) -> list[metadata.EntryPoint]:
    try:
        return list(metadata.entry_points(group=group))
    except Exception:  # noqa: BLE001 # somebody's metadata is not even text: it shall hurt nobody else
        return [entry for distribution in metadata.distributions() for entry in _own(distribution, group)]


def _own(distribution: metadata.Distribution, group: str) -> list[metadata.EntryPoint]:
    try:
        return list(distribution.entry_points.select(group=group))
    except Exception:  # noqa: BLE001
        return []


def choose(family_name: str, name: str) -> Plugin:
    """The plugin a user means by ``name``; backbone ``timm:resnet18`` is answered by the plugin ``timm``."""
    key = name.partition(":")[0] if FAMILIES[family_name].takes_more else name
    installed = find(family_name)
    matching = [plugin for plugin in installed if plugin.name == key]
    if not matching:
        raise _unknown(family_name, key, sorted({plugin.name for plugin in installed}))
    candidates = [plugin for plugin in matching if allowed(plugin)]
    # A built-in name cannot be taken over, and whoever tries hurts nobody.
    candidates = [plugin for plugin in candidates if plugin.distribution == CORE] or candidates
    if len(candidates) > 1:
        owners = " and ".join(f"{plugin.distribution} {plugin.version}" for plugin in candidates)
        raise AmbiguousPluginError(f"{family_name} '{key}' is offered by {owners}.")
    if not candidates:
        raise PluginNotAllowedError(f"{matching[0].title} is not allowed by AI_LENS_PLUGINS.")
    return candidates[0]


def _unknown(family_name: str, name: str, installed: list[str]) -> LensError:
    published = PUBLISHED[family_name].get(name)
    if published:
        return NotInstalledError(f"{family_name} '{name}' is not installed.", f"Try: pip install {published}")
    what = f"{family_name} '{name}' is unknown. Installed: {', '.join(installed) or 'none'}."
    nearest = difflib.get_close_matches(name, [*installed, *PUBLISHED[family_name]], n=1)
    return UnknownPluginError(what, f"Did you mean '{nearest[0]}'?" if nearest else "See: ai-lens plugins")


def allowed(plugin: Plugin) -> bool:
    """Whether AI_LENS_PLUGINS lets it load. Built-ins always may; ``none`` switches all others off."""
    named = os.environ.get("AI_LENS_PLUGINS")
    if named is None:
        return True
    return _canonical(plugin.distribution) in {CORE, *map(_canonical, named.split(","))}


def _canonical(distribution: str) -> str:
    """One spelling for ``AI_Lens.faiss`` and ``ai-lens-faiss`` (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution.strip()).lower()


@frozen
class Driver:
    """A loaded plugin: call its hooks through :meth:`call`, which turns its failures into one-line errors."""

    plugin: Plugin
    manager: pluggy.PluginManager = field(repr=False)

    @property
    def changed(self) -> int:
        """When its code last changed (nanoseconds): authors edit a plugin without a new version."""
        modules = [Path(getattr(module, "__file__", None) or "") for module in self.manager.get_plugins()]
        sources = [source for module in modules for source in _sources(module)]
        return max((source.stat().st_mtime_ns for source in sources if source.is_file()), default=0)

    def implements(self, hook: str) -> bool:
        return bool(getattr(self.manager.hook, hook).get_hookimpls())

    def call(self, hook: str, **arguments: Any) -> Any:
        """The hook's answer. Raises BrokenPluginError naming the distribution when the plugin fails."""
        with blaming(self.plugin, f"in {hook}"):
            answer = getattr(self.manager.hook, hook)(**arguments)
        if answer is None:
            raise BrokenPluginError(f"{self.plugin.title} answered nothing to {hook}.")
        return answer

    def make(self, hook: str, **arguments: Any) -> Any:
        """What the hook makes, shown to have all that its contract names."""
        from lens_core import contracts

        product = self.call(hook, **arguments)
        contract = getattr(contracts, self.plugin.family.contract or "")
        with blaming(self.plugin, "in what it made"):
            missing = [name for name in contracts.members(contract) if not hasattr(product, name)]
        if missing:
            raise BrokenPluginError(
                f"{self.plugin.title} made a {type(product).__name__}, which is no {contract.__name__}: "
                f"it has no {', '.join(missing)}."
            )
        return Guarded(product, self.plugin) if self.plugin.family.guarded else product

    def options(self, given: dict[str, Any], name: str | None = None) -> Any:
        """The plugin's typed options from ``key: value`` pairs; an unknown key or wrong type is E600."""
        import cattrs

        from lens_core.structure import converter, explain

        if not isinstance(given, dict):
            raise BadSettingError(f"{self.plugin.title} takes options as `key: value`, not {given!r}.")
        options_type = self.options_type(name)
        known = {attribute.name for attribute in options_type.__attrs_attrs__}
        for key in given:
            if key not in known:
                nearest = difflib.get_close_matches(key, sorted(known), n=1)
                hint = f" Did you mean '{nearest[0]}'?" if nearest else ""
                has = ", ".join(sorted(known)) or "none"
                raise BadSettingError(
                    f"{self.plugin.title} has no option '{key}'.", f"Its options: {has}.{hint}"
                )
        see = f"See: ai-lens plugins info {self.plugin.name}"
        with blaming(self.plugin, "in its options"):
            try:
                return converter.structure(given, options_type)
            except (ValueError, TypeError, cattrs.BaseValidationError) as error:
                what = f"{self.plugin.title} cannot use its options: {explain(error)}."
                raise BadSettingError(what, see) from error

    def options_type(self, name: str | None = None) -> type[Any]:
        """The attrs class of this plugin's options (:class:`NoOptions` where it has none)."""
        from lens_core.contracts import NoOptions

        if not self.implements("options_type"):
            return NoOptions
        answer = self.call("options_type", name=name or self.plugin.name)
        if not (isinstance(answer, type) and has(answer)):
            raise BrokenPluginError(
                f"{self.plugin.title} answered {answer!r:.60} to options_type, which is no attrs class."
            )
        return answer


def _sources(module: Path) -> Iterable[Path]:
    return module.parent.rglob("*.py") if module.stem == "__init__" else [module]


def load(family_name: str, name: str) -> Driver:
    """Import the chosen plugin, the only import of plugin code there is, and check it against the specs."""
    plugin = choose(family_name, name)
    for variable in _SAY_NO:
        os.environ.setdefault(variable, "1")
    with blaming(plugin, "while it was imported"):
        module = _entry_point(plugin).load()
    manager = pluggy.PluginManager("ai_lens")
    manager.add_hookspecs(hookspecs)
    if os.environ.get("AI_LENS_TRACE") == "1":
        manager.add_hookcall_monitoring(_trace_before, _trace_after)
    try:
        manager.register(module, plugin.module)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError, TypeError) as error:
        raise BrokenPluginError(
            f"{plugin.title} does not fit the hooks: {one_line(error)}.",
            "Update or remove that plugin; "
            "its author finds the names of hooks and arguments in lens_core/hookspecs.py.",
        ) from error
    driver = Driver(plugin, manager)
    hooks = plugin.family.hooks
    if not any(driver.implements(hook) for hook in hooks):
        wanted = " or ".join(hooks)
        raise BrokenPluginError(f"{plugin.title} implements no {wanted}; is the function marked @hookimpl?")
    return driver


def load_all(family_name: str, names: Sequence[str] | None = None) -> tuple[list[Driver], list[LensError]]:
    """Every usable plugin of a family, or those named, and why the others are not usable."""
    drivers: list[Driver] = []
    failures: list[LensError] = []
    installed = [plugin.name for plugin in find(family_name)]
    for name in dict.fromkeys(installed if names is None else names):
        try:
            drivers.append(load(family_name, name))
        except PluginNotAllowedError:
            continue
        except LensError as error:
            failures.append(error)
    return drivers, failures


def make(family_name: str, name: str, options: dict[str, Any], **arguments: Any) -> Any:
    """Load the plugin ``name`` and let it make its product, with typed options."""
    driver = load(family_name, name)
    (hook,) = driver.plugin.family.hooks
    return driver.make(hook, name=name, options=driver.options(options, name), **arguments)


def _entry_point(plugin: Plugin) -> metadata.EntryPoint:
    return metadata.EntryPoint(plugin.name, plugin.module, plugin.family.group)


def _trace_before(hook_name: str, hook_impls: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    print(f"[ai-lens] {hook_name}({', '.join(f'{k}={v!r:.80}' for k, v in kwargs.items())})", file=sys.stderr)


def _trace_after(
    outcome: pluggy.Result[Any], hook_name: str, hook_impls: Sequence[Any], kwargs: Mapping[str, Any]
) -> None:
    answer = outcome.exception or outcome.get_result()
    print(f"[ai-lens] {hook_name} -> {answer!r:.200}", file=sys.stderr)
