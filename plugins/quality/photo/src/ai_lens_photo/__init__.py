"""ai-lens photo checks: is one photo blurred, too dark or too bright, and what should the visitor do?"""

from ai_lens_photo import blur, exposure
from ai_lens_photo.luminance import luminance
from ai_lens_photo.options import PhotoOptions
from lens_core.contracts import Finding, Photo
from lens_core.hookspecs import hookimpl


@hookimpl
def options_type() -> type[PhotoOptions]:
    return PhotoOptions


@hookimpl
def check_photo(photo: Photo, options: PhotoOptions) -> list[Finding]:
    """What is wrong with the photo: any of ``dark``, ``bright`` and ``blur``."""
    light = luminance(photo.pixels)
    findings = [exposure.dark(light, options), exposure.bright(light, options), blur.blur(light, options)]
    return [finding for finding in findings if finding]
