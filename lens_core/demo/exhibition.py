"""A small museum to try ai-lens on: three rooms, twelve exhibits, photographed by clumsy visitors.

Everything is drawn here with numpy, so ``ai-lens demo`` needs neither data nor a network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from zlib import crc32

import attrs
import numpy as np
from PIL import Image

from lens_core.demo.camera import photograph
from lens_core.demo.objects import PLACES, Place
from lens_core.demo.room import furnish
from lens_core.demo.shapes import Solid
from lens_core.demo.shot import take_aim
from lens_core.demo.strays import stray_photo, wall_photo

PHOTOS_PER_ITEM = 20
OOD_PHOTOS = 40
WORKERS = 2  # numpy and Pillow let go of the interpreter lock; more threads gain little
VISITOR_PLACE, VISITOR_ITEM = "금속실", "금동 대향로"
OTHER_PLACE, OTHER_ITEM = "도자실", "청자 상감 매병"
# The visitor's photos of an exhibit, by what they show.
ASKED = {(VISITOR_PLACE, VISITOR_ITEM): "exhibit", (OTHER_PLACE, OTHER_ITEM): "other_place"}

# How the demo trains. Twelve drawn exhibits need no more than this.
PRETRAINED: dict[str, Any] = {"backbone": "mobilenetv2", "finetune": "none"}
FROM_SCRATCH: dict[str, Any] = {
    "backbone": "timm:test_resnet",
    "pretrained": False,
    "finetune": "all",
    "img_size": 96,
    "train_size": 96,
    "epochs": 40,
    "batch_size": 16,
    "lr": 3e-3,
    "weight_decay": 0.02,
}

Progress = Callable[[int, int], None]
Job = tuple[Path, Callable[[], Image.Image]]


@attrs.frozen
class Exhibition:
    """Where the rendered photos lie, and the three questions that the demo asks about them."""

    data: Path  # data/{place}/{item}/photo_01.jpg ...
    ood: Path  # photos of no exhibit
    visitor_place: str  # where the visitor says they are
    exhibit: Path  # a new photo of an exhibit of that place
    exhibit_item: str  # its name
    other_place: Path  # a photo of an exhibit that stands elsewhere
    wall: Path  # a photo of a wall


def render_exhibition(root: Path, seed: int = 42, progress: Progress | None = None) -> Exhibition:
    """Render the demo museum below ``root`` and say where everything is.

    The same seed gives the same bytes. ``progress`` is told (photos done, photos in all).
    """
    return _render(root, seed, progress, PHOTOS_PER_ITEM, OOD_PHOTOS)


def _render(root: Path, seed: int, progress: Progress | None, photos: int, strays: int) -> Exhibition:
    """``render_exhibition`` with counts, so that a test can ask for a small museum."""
    items = sum(len(place.items) for place in PLACES.values())
    total, done = items * photos + strays + 3, 0
    with ThreadPoolExecutor(WORKERS) as pool:
        for batch in _batches(root, seed, photos, strays):
            for _ in pool.map(_write, batch):
                done += 1
                if progress is not None:
                    progress(done, total)
    return Exhibition(
        data=root / "data",
        ood=root / "ood",
        visitor_place=VISITOR_PLACE,
        exhibit=root / "visitor" / "exhibit.jpg",
        exhibit_item=VISITOR_ITEM,
        other_place=root / "visitor" / "other_place.jpg",
        wall=root / "visitor" / "wall.jpg",
    )


def _batches(root: Path, seed: int, photos: int, strays: int) -> Iterator[list[Job]]:
    """The photos to take, one exhibit after the other, so that only one solid is in memory."""
    for name, place in PLACES.items():
        for item, make in place.items.items():
            solid = make()
            folder = root / "data" / name / item
            batch = [
                (folder / f"photo_{k:02d}.jpg", _exhibit_photo(solid, place, _rng(seed, name, item, k)))
                for k in range(1, photos + 1)
            ]
            if title := ASKED.get((name, item)):
                photo = _exhibit_photo(solid, place, _rng(seed, "visitor", title, 0), careful=True)
                batch.append((root / "visitor" / f"{title}.jpg", photo))
            yield batch
    yield [
        (root / "ood" / f"ood_{k:02d}.jpg", _stray(k, _rng(seed, "ood", "", k))) for k in range(1, strays + 1)
    ]
    wall = PLACES[VISITOR_PLACE].wall
    yield [(root / "visitor" / "wall.jpg", lambda: wall_photo(_rng(seed, "visitor", "wall", 0), wall))]


def _rng(seed: int, place: str, item: str, number: int) -> np.random.Generator:
    """Chance of its own for every photo: adding an exhibit leaves the other photos as they are."""
    return np.random.default_rng([seed, crc32(f"{place}/{item}".encode()), number])


def _exhibit_photo(
    solid: Solid, place: Place, rng: np.random.Generator, careful: bool = False
) -> Callable[[], Image.Image]:
    def take() -> Image.Image:
        room = furnish(rng, place.wall, place.stand)
        return photograph(solid, room, take_aim(rng, float(solid.points[:, 1].max()), careful), rng)

    return take


def _stray(number: int, rng: np.random.Generator) -> Callable[[], Image.Image]:
    place = list(PLACES.values())[number % len(PLACES)]
    return lambda: stray_photo(rng, number, place.wall, place.stand)


def _write(job: Job) -> None:
    path, take = job
    path.parent.mkdir(parents=True, exist_ok=True)
    # Phones differ in how hard they squeeze; the name keeps the choice the same every time.
    quality = 72 + crc32(path.name.encode()) % 22
    take().save(path, "JPEG", quality=quality)
