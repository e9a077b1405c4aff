"""A backbone that only sees where which colours are: the photo as 8 x 8 patches."""

from lens_core import hookimpl
from lens_core.contracts import Backbone, BackboneOptions, Preprocess
from lens_core.errors import ModelLoadError


@hookimpl
def options_type() -> type[BackboneOptions]:
    return BackboneOptions


@hookimpl
def make_backbone(options: BackboneOptions) -> Backbone:
    from torch import nn  # here, not above: it takes seconds, and listing plugins should not

    if options.weights:
        raise ModelLoadError("This backbone has nothing to learn, so it takes no weights.")
    size = options.img_size or 64
    net = nn.Sequential(nn.AdaptiveAvgPool2d(8), nn.Flatten())
    net.dim = 3 * 8 * 8
    net.preprocess = Preprocess(size=size, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    net.full_name = "colours_8x8"
    net.licence = "MIT"
    return net
