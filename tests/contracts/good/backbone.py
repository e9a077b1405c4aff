"""A small backbone that keeps its contract."""

from lens_core import hookimpl
from lens_core.contracts import BackboneOptions, Preprocess


@hookimpl
def options_type():
    return BackboneOptions


@hookimpl
def make_backbone(options):
    import torch

    class Backbone(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.see = torch.nn.Conv2d(3, 12, 3, stride=2)
            self.norm = torch.nn.BatchNorm2d(12)
            self.dim = 12
            self.preprocess = Preprocess(options.img_size or 32, (0.5, 0.4, 0.3), (0.2, 0.2, 0.2))
            self.full_name = "twelve_colours"
            self.licence = "MIT"

        def forward(self, images):
            seen = torch.relu(self.norm(self.see(images)))
            return seen.mean(dim=(2, 3))

        def layers(self):
            return [["see.weight", "see.bias"], ["norm.weight", "norm.bias"]]

    return Backbone()
