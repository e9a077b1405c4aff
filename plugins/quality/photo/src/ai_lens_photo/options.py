"""From where on something is worth a word. How the defaults were chosen is in README.md."""

from attrs import frozen


@frozen
class PhotoOptions:
    """One threshold per check, named after it; what is exactly at its threshold is just not reported."""

    blur_radius: float = 1.4
    """Radius (sigma) of the blur over the strongest edges, in pixels of the photo at long side 512."""
    dark_level: float = 0.40
    """Level of the brightest 1 % of the photo's middle: 0 black .. 1 white, as stored (sRGB)."""
    bright_share: float = 0.20
    """Share of the photo's middle that is burnt out to white: 0 .. 1."""
    glare_share: float = 0.001
    """Share of the photo that mirrored lamps cover: 0 .. 1."""
    low_contrast_ratio: float = 0.25
    """(light - dark) / (light + dark) of the photo's lightest and darkest 0.2 %: 0 grey .. 1."""
    off_centre_distance: float = 0.35
    """From the photo's middle to the exhibit's, along the worse direction: 0 middle .. 1 edge."""
    too_small_extent: float = 0.33
    """Share of the photo's width or height, whichever is larger, that the exhibit spans: 0 .. 1."""
    tiny_side: int = 160
    """Short side of the photo as it was taken, in pixels."""
    imbalance_factor: float = 4.0
    """How many times fewer, or more, photos an item has than the median item of its place."""
    low_resolution_side: int = 224
    """Short side in pixels that most photos of an item should have."""
