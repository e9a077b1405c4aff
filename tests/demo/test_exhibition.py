"""The demo museum: the right tree, the same bytes for the same seed, photos that differ."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import attrs
import numpy as np
import pytest
from PIL import Image

from lens_core.demo import exhibition
from lens_core.demo.exhibition import Exhibition
from lens_core.demo.objects import PLACES

PHOTOS, STRAYS = 2, 10  # a small museum; ten strays show one of every kind


@pytest.fixture(scope="module")
def progress() -> list[tuple[int, int]]:
    return []


@pytest.fixture(scope="module")
def museum(tmp_path_factory: pytest.TempPathFactory, progress: list[tuple[int, int]]) -> Exhibition:
    def note(done: int, total: int) -> None:
        progress.append((done, total))

    return exhibition._render(tmp_path_factory.mktemp("museum"), 42, note, PHOTOS, STRAYS)


def photos(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.jpg"))


def thumbnail(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("L").resize((48, 48)), np.float32)


def difference(one: Path, two: Path) -> float:
    """Mean difference in grey levels; a re-saved copy has less than one."""
    return float(np.abs(thumbnail(one) - thumbnail(two)).mean())


def test_a_full_museum_has_at_least_twelve_photos_of_every_exhibit() -> None:
    assert exhibition.PHOTOS_PER_ITEM >= 12
    assert exhibition.OOD_PHOTOS >= 30


def test_every_room_has_its_exhibits(museum: Exhibition) -> None:
    found = {
        place.name: {item.name: len(photos(item)) for item in place.iterdir()}
        for place in museum.data.iterdir()
    }
    assert found == {name: dict.fromkeys(place.items, PHOTOS) for name, place in PLACES.items()}
    assert len(photos(museum.ood)) == STRAYS


def test_names_are_composed_korean(museum: Exhibition) -> None:
    for item in museum.data.glob("*/*"):
        for name in (item.name, item.parent.name):
            assert unicodedata.is_normalized("NFC", name)
            assert all("가" <= letter <= "힣" or letter == " " for letter in name)


def test_photos_are_jpegs_of_a_phones_shape(museum: Exhibition) -> None:
    shapes = set()
    for path in photos(museum.data.parent):
        with Image.open(path) as image:
            image.load()
            assert (image.format, image.mode) == ("JPEG", "RGB")
            shapes.add(image.size)
    assert shapes == {(640, 480), (480, 640)}


def test_the_three_questions_are_what_they_say(museum: Exhibition) -> None:
    asked = (museum.exhibit, museum.other_place, museum.wall)
    assert all(path.is_file() and museum.data not in path.parents for path in asked)
    assert (museum.data / museum.visitor_place / museum.exhibit_item).is_dir()
    assert not (museum.data / museum.visitor_place / exhibition.OTHER_ITEM).exists()


def test_photos_of_one_exhibit_differ(museum: Exhibition) -> None:
    for item in museum.data.glob("*/*"):
        one, two = photos(item)
        assert difference(one, two) > 5, item


def test_the_visitors_photos_are_in_no_gallery(museum: Exhibition) -> None:
    known = photos(museum.data) + photos(museum.ood)
    for asked in (museum.exhibit, museum.other_place, museum.wall):
        assert min(difference(asked, path) for path in known) > 3, asked


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, item = exhibition.VISITOR_PLACE, exhibition.VISITOR_ITEM
    one_exhibit = attrs.evolve(PLACES[place], items={item: PLACES[place].items[item]})
    monkeypatch.setattr(exhibition, "PLACES", {place: one_exhibit})

    def render(name: str, seed: int) -> dict[str, bytes]:
        root = tmp_path / name
        exhibition._render(root, seed, None, 1, 1)
        return {str(path.relative_to(root)): path.read_bytes() for path in photos(root)}

    first, second, other = render("first", 1), render("second", 1), render("other", 2)
    assert first == second
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first)


def test_progress_counts_every_photo(museum: Exhibition, progress: list[tuple[int, int]]) -> None:
    total = len(photos(museum.data.parent))
    assert progress == [(done, total) for done in range(1, total + 1)]
