"""A loss under which photos of one item huddle together, and away from the others."""

import attrs

from lens_core import hookimpl
from lens_core.contracts import Loss


@attrs.frozen
class HuddleOptions:
    margin: float = attrs.field(default=0.2, validator=[attrs.validators.ge(-1), attrs.validators.le(1)])
    """Cosine, -1 to 1, that photos of different items may have."""


@hookimpl
def options_type() -> type[HuddleOptions]:
    return HuddleOptions


@hookimpl
def make_loss(options: HuddleOptions) -> Loss:
    import torch  # here, not above: it takes seconds, and listing plugins should not

    class Huddle(torch.nn.Module):
        def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            units = torch.nn.functional.normalize(embeddings)
            cosines, same = units @ units.T, labels[:, None] == labels
            apart = (1 - cosines)[same].mean()
            close = (cosines - options.margin).relu()[~same]
            return apart + close.sum() / max(len(close), 1)

    return Huddle()
