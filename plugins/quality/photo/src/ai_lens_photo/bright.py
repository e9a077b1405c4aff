"""Too much light: the middle is burnt out to white.

White paper is white too. What is burnt out fades into white; an exhibit ends sharply at its paper.
"""

from ai_lens_photo.options import PhotoOptions
from ai_lens_photo.regions import Mask, grown
from ai_lens_photo.severity import severity
from ai_lens_photo.view import View
from lens_core.contracts import Finding, Pixels

HINTS = {"ko": "너무 밝지 않게, 조명과 햇빛을 피해서", "en": "Turn away from lamps and sunlight"}
WORST_SHARE = 0.6
"""Share of white at which a photo is as bright as it gets."""
_WHITE = 250
"""Grey level (of 255) that counts as burnt out."""
_PALE, _PALE_SHARE = 200, 0.2
"""Of what is not white in a burnt-out photo, at least this share is at least this light."""
_FADING, _FADING_SHARE = 215, 0.25
"""Of the pixels 3 and 4 away from burnt-out white, at least this share is at least this light."""


def bright(view: View, options: PhotoOptions) -> Finding | None:
    """A finding when more than ``options.bright_share`` of the middle is burnt out to white."""
    middle = view.middle
    white = middle >= _WHITE
    share = float(white.mean())
    if share <= options.bright_share or _is_paper(middle):
        return None
    return Finding("bright", severity(share, options.bright_share, WORST_SHARE), HINTS, round(share, 3))


def _is_paper(middle: Pixels) -> bool:
    """Is the white a background?"""
    rest = middle[middle < _WHITE]
    beside = middle[_beside(middle >= _WHITE)]
    return _share(rest >= _PALE) < _PALE_SHARE or _share(beside >= _FADING) < _FADING_SHARE


def _share(of: Mask) -> float:
    """All of nothing: where everything is white, nothing speaks for paper."""
    return float(of.mean()) if of.size else 1.0


def _beside(white: Mask) -> Mask:
    """The pixels 3 and 4 away from the white; specks of it do not count."""
    near = grown(~grown(~white, 1), 3)
    return grown(near, 2) & ~near
