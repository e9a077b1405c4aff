"""The ONE way from a decoded photo to a model's input."""

import numpy as np
from PIL import Image

from lens_core.contracts import Photo, Pixels, Preprocess

_FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


def prepare(photo: Photo, preprocess: Preprocess) -> Pixels:
    """uint8[S, S, 3]: the whole photo, its aspect kept, centred on a square.

    Nothing is cropped away: an exhibit at the edge of a visitor's photo is still seen.
    """
    return pad(fit(photo.pixels, preprocess), preprocess)


def fit(pixels: Pixels, preprocess: Preprocess) -> Pixels:
    """uint8[h, w, 3] scaled so that its long side is the model's."""
    height, width = pixels.shape[:2]
    scale = preprocess.size / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.array(Image.fromarray(pixels).resize(size, _FILTERS[preprocess.interpolation]))


def pad(pixels: Pixels, preprocess: Preprocess) -> Pixels:
    """uint8[S, S, 3]: the pixels in the middle, the backbone's mean colour around them.

    The mean colour becomes zero after normalisation, so the padding says nothing to the network.
    """
    size = preprocess.size
    height, width = pixels.shape[:2]
    top, left = (size - height) // 2, (size - width) // 2
    square = np.empty((size, size, 3), np.uint8)
    square[0] = padding_colour(preprocess)
    square[:] = square[0]  # row by row: fifty times as quick as pixel by pixel
    square[top : top + height, left : left + width] = pixels
    return square


def padding_colour(preprocess: Preprocess) -> list[int]:
    """The backbone's mean colour, as red, green and blue of 255."""
    return [round(255 * channel) for channel in preprocess.mean]
