"""Views of a training photo: how else might a visitor have taken it?"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torchvision import tv_tensors
from torchvision.transforms import v2

from lens_core.contracts import Photo, Pixels, Preprocess
from lens_core.photos.preprocess import fit, pad, padding_colour
from lens_core.settings import Augment

# A crop shows at least this share of the photo: closer than a visitor would usually stand.
LEAST_AREA = 0.3
GLARE_SHARE = 0.3
"""How often a view gets mirrored lamps, where they are asked for."""
MOST_LAMPS = 3
MOST_SLANT = 0.25
"""How far a corner may move inwards at most, as a share of half the side."""
JPEG_QUALITY = (30, 95)


def random_view(photo: Photo, preprocess: Preprocess, augment: Augment, seed: int) -> Pixels:
    """One changed view as uint8[S, S, 3], the same for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _view(photo, preprocess, augment)


def _view(photo: Photo, preprocess: Preprocess, augment: Augment) -> Pixels:
    pixels = _random_crop(photo.pixels) if augment.random_resized_crop else photo.pixels
    image = tv_tensors.Image(torch.from_numpy(fit(pixels, preprocess)).permute(2, 0, 1))
    changed: torch.Tensor = _changes(augment, preprocess)(image)
    return pad(changed.permute(1, 2, 0).numpy(), preprocess)


def _random_crop(pixels: Pixels) -> Pixels:
    """A random part, its aspect as taken: it is padded later, not stretched, like every photo."""
    height, width = pixels.shape[:2]
    crop = v2.RandomResizedCrop(size=1, scale=(LEAST_AREA, 1.0))
    box = crop.make_params([tv_tensors.Image(torch.empty(3, height, width, device="meta"))])
    part = pixels[box["top"] : box["top"] + box["height"], box["left"] : box["left"] + box["width"]]
    return np.ascontiguousarray(part)


def _mirror_lamps(image: torch.Tensor) -> torch.Tensor:
    """Now and then, soft white spots on uint8[3, H, W], as lamps mirrored in a showcase's glass."""
    if torch.rand(()) >= GLARE_SHARE:
        return image
    height, width = image.shape[-2:]
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None, :]
    light = torch.zeros(height, width)
    for _ in range(int(torch.randint(1, MOST_LAMPS + 1, ()))):
        down, across, size = torch.rand(3).tolist()
        radius = (0.02 + 0.08 * size) * max(height, width)
        away = ((rows - down * height) ** 2 + (columns - across * width) ** 2) / radius**2
        light = torch.maximum(light, 1.5 * torch.exp(-away))  # burnt out in the middle, fading around it
    white = light.clamp(max=1)
    return (image * (1 - white) + 255 * white).round().to(torch.uint8)


def _compress(image: torch.Tensor) -> torch.Tensor:
    """uint8[3, H, W] as a JPEG of some quality shows it."""
    quality = int(torch.randint(*JPEG_QUALITY, ()))
    file = BytesIO()
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)


def _changes(augment: Augment, preprocess: Preprocess) -> v2.Compose:
    """In the order in which they happen: before the lens, in it, and on the way here."""
    strength = augment.color_jitter
    steps: list[Callable[[torch.Tensor], torch.Tensor]] = []
    if augment.horizontal_flip:
        steps.append(v2.RandomHorizontalFlip())
    if augment.perspective:
        steps.append(v2.RandomPerspective(MOST_SLANT, fill=padding_colour(preprocess)))
    if strength:
        steps.append(v2.ColorJitter(strength, strength, strength))
    if augment.gaussian_blur:
        steps.append(v2.RandomApply([v2.GaussianBlur(7, sigma=(0.3, 2.0))], p=0.2))
    steps.append(v2.RandomGrayscale(p=0.05))
    if augment.glare:
        steps.append(_mirror_lamps)
    if augment.jpeg:
        steps.append(_compress)
    return v2.Compose(steps)
