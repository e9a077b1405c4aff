"""From where on a photo is worth a word. How the defaults were chosen is in README.md."""

from attrs import frozen


@frozen
class PhotoOptions:
    """Thresholds; a photo exactly at one is just not reported."""

    blur_radius: float = 1.1
    """Radius (sigma) of the blur over the strongest edges, in pixels of the photo at long side 512."""
    dark_level: float = 0.40
    """Level of the brightest 1 % of the photo's middle: 0 black .. 1 white, as stored (sRGB)."""
    bright_share: float = 0.20
    """Share of the photo's middle that is burnt out to white: 0 .. 1."""
