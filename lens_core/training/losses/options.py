"""What can be set of each built-in loss."""

from typing import Literal

from attrs import field, frozen
from attrs.validators import ge, gt, le


@frozen
class CosineSoftmaxOptions:
    scale: float = field(default=16.0, validator=gt(0))
    """How sharply cosines are told apart: logits are ``scale * cosine``."""


@frozen
class ArcFaceOptions:
    margin: float = field(default=0.3, validator=[ge(0), le(1.5)])
    """Angle, in radians, that the right class must be ahead by."""
    scale: float = field(default=24.0, validator=gt(0))
    """How sharply cosines are told apart."""


@frozen
class CosFaceOptions:
    margin: float = field(default=0.2, validator=[ge(0), le(1)])
    """Cosine that the right class must be ahead by."""
    scale: float = field(default=24.0, validator=gt(0))
    """How sharply cosines are told apart."""


@frozen
class SubCenterArcFaceOptions(ArcFaceOptions):
    centers: int = field(default=3, validator=ge(1))
    """Directions per class: an exhibit's front and back may look like two things."""


@frozen
class TripletOptions:
    margin: float = field(default=0.2, validator=[ge(0), le(2)])
    """Cosine distance that a photo of another item must be further away than one of the same item."""
    miner: Literal["none", "semihard", "hard"] = "none"
    """Of all triplets of a batch, those learned from. hard: the other item is nearer than the same; semihard:
    it is further away, but by less than the margin; none: all."""


@frozen
class SupConOptions:
    temperature: float = field(default=0.1, validator=gt(0))
    """How sharply cosines are told apart; smaller is sharper."""


@frozen
class MultiSimilarityOptions:
    alpha: float = field(default=2.0, validator=gt(0))
    """Pull between photos of one item."""
    beta: float = field(default=50.0, validator=gt(0))
    """Push between photos of different items."""
    base: float = 0.5
    """Cosine at which pull and push begin."""
    miner: Literal["none", "multisimilarity"] = "none"
    """multisimilarity: of all pairs of a batch, learn from those that are nearly as far apart as the hardest
    of the other kind."""
