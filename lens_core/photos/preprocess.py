"""The ONE way from a decoded photo to a model's input."""

import numpy as np
from PIL import Image

from lens_core.contracts import Photo, Pixels, Preprocess

_FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


def prepare(photo: Photo, preprocess: Preprocess) -> Pixels:
    """uint8[S, S, 3]: the whole photo, its aspect kept, centred on a square of the backbone's mean colour.

    The mean colour becomes zero after normalisation, so the padding says nothing to the network. Nothing is
    cropped away: an exhibit at the edge of a visitor's photo is still seen.
    """
    size = preprocess.size
    height, width = photo.pixels.shape[:2]
    scale = size / max(height, width)
    fitted = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = Image.fromarray(photo.pixels).resize(fitted, _FILTERS[preprocess.interpolation])
    square = np.empty((size, size, 3), np.uint8)
    square[:] = [round(255 * channel) for channel in preprocess.mean]
    top, left = (size - fitted[1]) // 2, (size - fitted[0]) // 2
    square[top : top + fitted[1], left : left + fitted[0]] = np.asarray(small)
    return square
