"""ai-lens backbones from timm: five aliases for pinned models, and ``timm:<any name>`` verbatim."""

from lens_core.contracts import Backbone, BackboneOptions
from lens_core.hookspecs import hookimpl


@hookimpl
def options_type() -> type[BackboneOptions]:
    """The options of every backbone; this plugin adds none."""
    return BackboneOptions


@hookimpl
def make_backbone(name: str, options: BackboneOptions) -> Backbone:
    """The network named by an alias or by ``timm:<name>``, in evaluation mode.

    Raises UnknownPluginError (E400) for a name timm does not know, WeightsUnavailableError (E450) when
    published weights cannot be had, ModelLoadError (E200) when ``options.weights`` does not fit, and
    BadSettingError (E600) when the network cannot take ``options.img_size``.
    """
    from ai_lens_timm.backbone import build

    return build(name, options)
