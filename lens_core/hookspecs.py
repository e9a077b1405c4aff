"""Every hook a plugin may implement, on one screen.

A plugin is a module whose functions are marked ``@hookimpl`` and which an entry point of its distribution
names: the entry point's name is what the user types. A function may take fewer arguments than its spec.
What each hook returns is in :mod:`lens_core.contracts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    from lens_core.contracts import (
        Backbone,
        BackboneOptions,
        Exporter,
        Finding,
        Loss,
        Photo,
        Runtime,
        Tracker,
        VectorIndex,
    )
    from lens_core.photos.layout import Dataset

hookspec = pluggy.HookspecMarker("ai_lens")
hookimpl = pluggy.HookimplMarker("ai_lens")


@hookspec(firstresult=True)
def options_type(name: str) -> type[Any]:
    """The attrs class of this plugin's options, so that ``--index-option nprobe=8`` and YAML are typed."""


@hookspec(firstresult=True)
def make_backbone(name: str, options: BackboneOptions) -> Backbone:
    """The network that turns photos into features. Group ``ai_lens.backbones``."""


@hookspec(firstresult=True)
def make_loss(name: str, options: Any, embedding_dim: int, class_count: int) -> Loss:
    """A training objective on embeddings. Group ``ai_lens.losses``."""


@hookspec(firstresult=True)
def make_index(name: str, options: Any, dim: int) -> VectorIndex:
    """An empty nearest-neighbour index for vectors of ``dim`` numbers. Group ``ai_lens.indexes``."""


@hookspec(firstresult=True)
def make_exporter(name: str, options: Any) -> Exporter:
    """Writes a trained model in a format of its own. Group ``ai_lens.exporters``."""


@hookspec(firstresult=True)
def make_runtime(path: Path, options: Any) -> Runtime:
    """Opens a file of the format named by the entry point (its suffix). Group ``ai_lens.runtimes``."""


@hookspec(firstresult=True)
def make_tracker(name: str, options: Any) -> Tracker:
    """Shows elsewhere how a training goes. Group ``ai_lens.trackers``."""


@hookspec
def check_photo(photo: Photo, options: Any) -> list[Finding]:
    """What is wrong with one photo, if anything. Group ``ai_lens.quality``; every answer is kept."""


@hookspec
def check_dataset(dataset: Dataset, options: Any) -> list[Finding]:
    """What is wrong with a collection of photos, if anything. Group ``ai_lens.quality``."""
