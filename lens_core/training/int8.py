"""What an int8 export may cost: measured on the museum's own photos, before and after."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from lens_core.artifacts.manifest import Certificate
from lens_core.contracts import Photo, Pixels, Preprocess
from lens_core.errors import BadSettingError, ExportMismatchError
from lens_core.runtime.examine import Figures, Material, measure, points_lost
from lens_core.runtime.lens import Lens
from lens_core.settings import Augment
from lens_core.training.augment import random_view

CALIBRATION = 100
"""At most so many photos, from which the quantiser learns the range of every number in the network."""
ALLOWED_LOSS = 1.0
"""Percentage points by which each figure may be worse, unless told otherwise."""
SEED = 8


def changed_view(photo: Photo, preprocess: Preprocess, number: int) -> Pixels:
    """As a visitor might have taken the photo: how training changes its photos, the same for one number."""
    return random_view(photo, preprocess, Augment(), SEED + number)


@frozen(eq=False)
class Gate:
    """The checkpoint's figures on these photos, and how much worse an int8 export's may be."""

    checkpoint: Lens
    material: Material
    allowed_loss: float
    """Percentage points."""

    @classmethod
    def of(cls, checkpoint: Lens, data_root: Path, ood: Path | None, allowed_loss: float) -> Gate:
        """Prepare what will be asked: evenly from every item. Raises BadSettingError (E600)."""
        if not 0 <= allowed_loss <= 100:
            raise BadSettingError(
                f"The loss allowed must be 0 to 100 points, not {allowed_loss}.", "1 is usual."
            )
        return cls(checkpoint, Material.gather(checkpoint, data_root, ood, changed_view), allowed_loss)

    def calibration_images(self) -> Pixels:
        """uint8[N, S, S, 3]: exhibits' photos as they are, of every place and item in turn."""
        unchanged = self.material.exhibits[::2]
        return unchanged[:CALIBRATION]

    def check(self, export: Lens) -> Certificate:
        """Raises ExportMismatchError (E230) with the table of what got worse."""
        before, after = measure(self.checkpoint, self.material), measure(export, self.material)
        lost = points_lost(before, after)
        if not max(lost.values()) <= self.allowed_loss:
            raise ExportMismatchError(
                f"The int8 export loses more than {self.allowed_loss:g} points on "
                f"{len(self.material.exhibits)} pictures of the exhibits.",
                "Nothing was written. Export without --quantize, or allow more with --max-loss.",
                table=[HEAD, *_rows(before, after, lost)],
            )
        return Certificate(
            precision="int8",
            checked="photos",
            photos=len(self.material.exhibits) + len(self.material.strays),
            points_lost=lost,
            points_allowed=self.allowed_loss,
        )


HEAD = ("figure", "checkpoint", "int8", "points lost")


def _rows(before: Figures, after: Figures, lost: dict[str, float]) -> list[tuple[str, ...]]:
    shares = {
        "top1": (before.top1, after.top1),
        "answered_rightly": (before.answered_rightly, after.answered_rightly),
    }
    shares |= {kind: (share, after.false_accepts[kind]) for kind, share in before.false_accepts.items()}
    return [
        (
            f"accepted: {kind}" if kind in before.false_accepts else kind,
            f"{old:.1%}",
            f"{new:.1%}",
            f"{lost[kind]:+.2f}",
        )
        for kind, (old, new) in shares.items()
    ]
