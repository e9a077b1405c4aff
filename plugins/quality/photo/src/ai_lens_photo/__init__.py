"""ai-lens photo checks: what is wrong with a photo or a collection, and what should be done about it?"""

from ai_lens_photo.blur import blur
from ai_lens_photo.bright import bright
from ai_lens_photo.dark import dark
from ai_lens_photo.glare import glare
from ai_lens_photo.imbalance import imbalance
from ai_lens_photo.low_contrast import low_contrast
from ai_lens_photo.low_resolution import low_resolution
from ai_lens_photo.off_centre import off_centre
from ai_lens_photo.options import PhotoOptions
from ai_lens_photo.tiny import tiny
from ai_lens_photo.too_small import too_small
from ai_lens_photo.view import View
from lens_core.contracts import Finding, Photo
from lens_core.hookspecs import hookimpl
from lens_core.photos.layout import Dataset

PHOTO_CHECKS = (dark, bright, blur, glare, low_contrast, off_centre, too_small, tiny)
"""Of equally severe findings the first is shown first: light that is wrong also hides edges."""


@hookimpl
def options_type() -> type[PhotoOptions]:
    return PhotoOptions


@hookimpl
def check_photo(photo: Photo, options: PhotoOptions) -> list[Finding]:
    """What is wrong with the photo: any of ``PHOTO_CHECKS``."""
    view = View.of(photo)
    return [finding for check in PHOTO_CHECKS if (finding := check(view, options))]


@hookimpl
def check_dataset(dataset: Dataset, options: PhotoOptions) -> list[Finding]:
    """Items with too few or too many photos, or whose photos are too small."""
    return [*imbalance(dataset, options), *low_resolution(dataset, options)]
