"""The backbone of every kept model: so small that a model is a few kilobytes. Never to be changed."""

from lens_core import hookimpl
from lens_core.contracts import BackboneOptions, Preprocess


@hookimpl
def options_type():
    return BackboneOptions


@hookimpl
def make_backbone(options):
    import torch

    class Kept(torch.nn.Module):
        """Random filters; where a photo has which colours tells drawn shapes apart well enough."""

        dim, full_name, licence = 64, "kept_colours", "MIT"

        def __init__(self):
            super().__init__()
            self.preprocess = Preprocess(options.img_size or 32, (0.5, 0.4, 0.3), (0.2, 0.2, 0.2))
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                self.see = torch.nn.Conv2d(3, 4, 3, stride=2, padding=1)
            self.norm = torch.nn.BatchNorm2d(4)

        def forward(self, images):
            seen = torch.relu(self.norm(self.see(images)))
            return torch.nn.functional.avg_pool2d(seen, seen.shape[-1] // 4).flatten(1)

        def layers(self):
            return [["see.weight", "see.bias"], ["norm.weight", "norm.bias"]]

    return Kept()
