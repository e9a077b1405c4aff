"""Does `validate-data` find what is wrong? Known mistakes are planted among the museum photos.

For each seed, 50 mistakes in a copy of the 553 photos of 42 exhibits: 25 changed copies of different photos
(five of each kind), filed under a random item, and 25 random photos moved to another item of their place. A
pair of copies is found when both are named; a moved photo when it is remarked as looking like another item.
All else that is remarked counts as false, although nobody has proven the photos free of mistakes.

The limits in lens_core.audit were chosen on these photos, with other seeds and other copies.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import stats

sys.path.insert(0, str(Path(__file__).parents[1]))
from shared import MUSEUMS, need_shared, report

from lens_core.audit.audit import audit
from lens_core.audit.remarks import Audit
from lens_core.photos.layout import Dataset, PhotoFile, scan
from lens_core.photos.quality import QualityChecks

SEEDS = range(10)
COPIES_OF_A_KIND = 5
MOVED = 25
Random = np.random.Generator
Change = Callable[[Image.Image, Random], Image.Image]


def recompressed(image: Image.Image, random: Random) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=int(random.integers(30, 71)))
    return Image.open(file)


def resized(image: Image.Image, random: Random) -> Image.Image:
    scale = random.uniform(0.3, 0.7)
    return image.resize((round(image.width * scale), round(image.height * scale)))


def cropped(image: Image.Image, random: Random) -> Image.Image:
    """A twentieth of the width and of the height is cut off, anywhere."""
    width, height = round(image.width * 0.95), round(image.height * 0.95)
    left = int(random.integers(0, image.width - width + 1))
    top = int(random.integers(0, image.height - height + 1))
    return image.crop((left, top, left + width, top + height))


def rotated(image: Image.Image, random: Random) -> Image.Image:
    turns = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
    return image.transpose(turns[random.integers(3)])


def tilted(image: Image.Image, random: Random) -> Image.Image:
    return image.rotate(
        float(random.uniform(-4, 4)), Image.Resampling.BICUBIC, fillcolor=image.getpixel((0, 0))
    )


CHANGES: dict[str, Change] = {
    change.__name__: change for change in (recompressed, resized, cropped, rotated, tilted)
}
Pairs = dict[frozenset[str], str]


def plant_copies(clean: Dataset, root: Path, random: Random) -> Pairs:
    """Write copies of different photos; the kind of change by the two photos' paths."""
    folders = sorted({photo.path.parent for photo in clean.photos})
    planted: Pairs = {}
    chosen = iter(random.permutation(len(clean.photos)))
    for kind, change in CHANGES.items():
        for number in range(COPIES_OF_A_KIND):
            row = next(chosen)
            source = clean.photos[int(row)].path
            target = folders[random.integers(len(folders))] / f"planted_{kind}_{number}.jpg"
            change(Image.open(source).convert("RGB"), random).convert("RGB").save(target, quality=88)
            planted[frozenset(path.relative_to(root).as_posix() for path in (source, target))] = kind
    return planted


def plant_moved(clean: Dataset, root: Path, spared: set[str], random: Random) -> set[str]:
    """Move photos, none of which has a copy; their new paths."""
    free = [photo for photo in clean.photos if photo.path.relative_to(root).as_posix() not in spared]
    moved = set()
    for row in random.choice(len(free), MOVED, replace=False):
        photo: PhotoFile = free[int(row)]
        others = sorted(folder for folder in photo.path.parents[1].iterdir() if folder != photo.path.parent)
        target = others[random.integers(len(others))] / f"moved_{row}.jpg"
        photo.path.rename(target)
        moved.add(target.relative_to(root).as_posix())
    return moved


def measure(found: Audit, copies: Pairs, moved: set[str]) -> dict[str, float]:
    pairs = {frozenset((pair.first, pair.second)) for pair in found.pairs if pair.kind != "near"}
    strays = {remark.path for remark in found.remarks if remark.check == "looks_like_another"}
    scores = {
        f"{kind}, recall": _share([pair in pairs for pair, of in copies.items() if of == kind])
        for kind in CHANGES
    }
    return scores | {
        "all copies, recall": _share([pair in pairs for pair in copies]),
        "all copies, precision": _share([pair in copies for pair in pairs]),
        "moved photos, recall": _share([path in strays for path in moved]),
        "moved photos, precision": _share([path in moved for path in strays]),
    }


def _share(hits: list[bool]) -> float:
    return float(np.mean(hits)) if hits else float("nan")


def interval(values: list[float]) -> str:
    """Mean and the 95 % t-interval of the mean over seeds."""
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    low, high = np.clip((np.mean(values) - half, np.mean(values) + half), 0, 1)
    return f"{np.mean(values):.2f} ({low:.2f} to {high:.2f})"


def main() -> None:
    need_shared()
    runs = []
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(shutil.copytree(MUSEUMS / "data", Path(folder) / "data"))
            random, clean = np.random.default_rng(seed), scan(root)
            copies = plant_copies(clean, root, random)
            spared = {path for pair in copies for path in pair}
            moved = plant_moved(clean, root, spared, random)
            runs.append(measure(audit(scan(root), 1, checks=QualityChecks.enabled([])), copies, moved))
        print(f"seed {seed}: {runs[-1]}", file=sys.stderr)
    nothing = audit(scan(MUSEUMS / "data"), 1, checks=QualityChecks.enabled([]))
    natural = {
        "copies": sum(pair.kind != "near" for pair in nothing.pairs),
        "photos that look like another item": sum(
            remark.check == "looks_like_another" for remark in nothing.remarks
        ),
    }
    rows = [[name, interval([run[name] for run in runs])] for name in runs[0]]
    rows += [
        [f"{name}, remarked where nothing was planted", f"{count} of 553"] for name, count in natural.items()
    ]
    title = "Planted mistakes: mean over seeds 0-9 (95 % interval of the mean)"
    data = {"seeds": runs, "nothing planted": natural}
    report(__file__, title, ["", ""], rows, data, name="planted")


if __name__ == "__main__":
    main()
