"""Every way to get a photo's pixels that is compared; each takes the bytes of a file.

Each is written as the library's own introduction would have it; a library is imported when its way is made,
so that what is not installed can be said.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from lens_core.photos.decode import LONG_SIDE, decode

Pixels = np.ndarray[Any, Any]
Way = Callable[[bytes], Pixels]


def ours() -> Way:
    return lambda encoded: decode(encoded).pixels


def pillow_full() -> Way:
    def read(encoded: bytes) -> Pixels:
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(encoded))).convert("RGB")
        image.thumbnail((LONG_SIDE, LONG_SIDE))
        return np.asarray(image)

    return read


def pillow_draft() -> Way:
    def read(encoded: bytes) -> Pixels:
        image = Image.open(io.BytesIO(encoded))
        image.draft("RGB", (LONG_SIDE, LONG_SIDE))
        image.thumbnail((LONG_SIDE, LONG_SIDE))
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))

    return read


def opencv(flag: str) -> Way:
    import cv2

    def read(encoded: bytes) -> Pixels:
        pixels = cv2.imdecode(np.frombuffer(encoded, np.uint8), getattr(cv2, flag))
        if pixels is None:
            raise ValueError("cannot read it")
        height, width = pixels.shape[:2]
        scale = min(1, LONG_SIDE / max(height, width))
        size = (round(width * scale), round(height * scale))
        return cv2.cvtColor(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)

    return read


def pyvips(**how: str) -> Way:
    import pyvips

    return lambda encoded: pyvips.Image.thumbnail_buffer(encoded, LONG_SIDE, size="down", **how).numpy()


def torchvision(upright: bool) -> Way:
    import torch
    from torchvision.io import ImageReadMode, decode_image
    from torchvision.transforms.v2.functional import resize

    def read(encoded: bytes) -> Pixels:
        content = torch.frombuffer(bytearray(encoded), dtype=torch.uint8)
        pixels = decode_image(content, ImageReadMode.RGB, apply_exif_orientation=upright)
        small = resize(pixels, None, max_size=LONG_SIDE, antialias=True)
        return small.permute(1, 2, 0).contiguous().numpy()

    return read


WAYS: dict[str, tuple[Callable[[], Way], str]] = {
    "ai-lens": (ours, ""),
    "Pillow, full decode": (pillow_full, ""),
    "Pillow, draft": (pillow_draft, ""),
    "OpenCV": (lambda: opencv("IMREAD_COLOR"), "opencv-python-headless"),
    "OpenCV, reduced by 2": (lambda: opencv("IMREAD_REDUCED_COLOR_2"), "opencv-python-headless"),
    "OpenCV, reduced by 4": (lambda: opencv("IMREAD_REDUCED_COLOR_4"), "opencv-python-headless"),
    "pyvips": (pyvips, "pyvips pyvips-binary"),
    "pyvips, to sRGB": (lambda: pyvips(output_profile="srgb"), "pyvips pyvips-binary"),
    "torchvision": (lambda: torchvision(upright=False), "torchvision"),
    "torchvision, upright": (lambda: torchvision(upright=True), "torchvision"),
}
"""Name: (how to make it, what to install)."""
