"""The exhibit is beside the middle of the photo."""

from ai_lens_photo.options import PhotoOptions
from ai_lens_photo.severity import severity
from ai_lens_photo.subject import Subject
from ai_lens_photo.view import View
from lens_core.contracts import Finding

HINTS = {"ko": "작품이 프레임 중앙에 오도록", "en": "Put the exhibit in the middle of the frame"}
WORST_DISTANCE = 0.8
"""Distance at which an exhibit of ordinary size is cut off."""


def off_centre(view: View, options: PhotoOptions) -> Finding | None:
    """A finding when the exhibit is further from the middle than ``options.off_centre_distance``."""
    if view.subject is None:
        return None
    distance = _distance(view.subject)
    if distance <= options.off_centre_distance:
        return None
    worse = severity(distance, options.off_centre_distance, WORST_DISTANCE)
    return Finding("off_centre", worse, HINTS, round(distance, 3))


def _distance(subject: Subject) -> float:
    across = _from_middle((subject.left + subject.right) / 2, subject.median[0])
    down = _from_middle((subject.top + subject.bottom) / 2, subject.median[1])
    # What reaches the photo's foot may be a pedestal with the exhibit on top.
    return across if subject.on_foot else max(across, down)


def _from_middle(box: float, median: float) -> float:
    """0 middle .. 1 edge. A handle or a shadow moves the box, a heavy foot the median: the nearer counts."""
    return 0.0 if (box - 0.5) * (median - 0.5) <= 0 else 2 * min(abs(box - 0.5), abs(median - 0.5))
