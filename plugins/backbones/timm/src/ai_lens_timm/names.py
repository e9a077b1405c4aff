"""What a user may type, and the one timm model it stands for."""

from __future__ import annotations

import difflib

import timm
from attrs import frozen

from lens_core.errors import UnknownPluginError


@frozen
class Choice:
    """A timm model and the input it is best at."""

    timm_name: str
    """With the tag of its weights, e.g. ``mobilenetv2_100.ra_in1k``."""
    img_size: int | None = None
    """Side of the input in pixels; ``None`` takes timm's own figure."""


# Pinned, so that a run can be repeated. Sizes: the ViT has only one; the others take the size timm reports
# their best accuracy at, except the small mobilenetv2, which gains from more pixels than it was trained with
# (top-1 on 42 museum exhibits .759 at 224, .781 at 448).
ALIASES = {
    "vit_b16": Choice("vit_base_patch16_224.augreg2_in21k_ft_in1k", 224),
    "resnet50": Choice("resnet50.a1_in1k", 288),
    "efficientnet_b3": Choice("efficientnet_b3.ra2_in1k", 320),
    "convnext_tiny": Choice("convnext_tiny.in12k_ft_in1k", 288),
    "mobilenetv2": Choice("mobilenetv2_100.ra_in1k", 448),
}


def resolve(name: str) -> Choice:
    """The model meant by an alias or by ``timm:<name>``. Raises UnknownPluginError (E400)."""
    if name in ALIASES:
        return ALIASES[name]
    wanted = name.removeprefix("timm").removeprefix(":")
    if not wanted:
        raise UnknownPluginError(
            "backbone 'timm' needs the name of a model.", "For example: timm:resnet18.a1_in1k"
        )
    if wanted in timm.list_models() or wanted in timm.list_pretrained():
        return Choice(_with_tag(wanted))
    raise UnknownPluginError(f"timm has no model '{wanted}'.", _nearest(wanted))


def _with_tag(name: str) -> str:
    """The full name: ``resnet18`` is short for the weights timm prefers."""
    config = timm.get_pretrained_cfg(name)
    return f"{name}.{config.tag}" if config and config.tag and "." not in name else name


def _nearest(wanted: str) -> str:
    known = timm.list_pretrained() if "." in wanted else timm.list_models()
    nearest = difflib.get_close_matches(wanted, known, n=3)
    if nearest:
        return f"Did you mean {' or '.join(f'timm:{name}' for name in nearest)}?"
    return "List them: python -c 'import timm; print(timm.list_models())'"
