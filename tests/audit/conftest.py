"""Photos with the texture and noise that real ones have: drawn, or the museums' own."""

import shutil
from collections import defaultdict

import pytest

from lens_core.demo import exhibition as museum
from lens_core.photos.layout import scan


@pytest.fixture(scope="session")
def exhibition(tmp_path_factory):
    """data/ with 3 places x 4 items x 14 photos."""
    return museum._render(tmp_path_factory.mktemp("exhibition"), 42, None, photos=14, strays=0).data


@pytest.fixture
def data(exhibition, tmp_path):
    """The same, to be spoilt."""
    return shutil.copytree(exhibition, tmp_path / "data")


@pytest.fixture
def some(data):
    """``some(n)``: data/ with n photos of each item of one place; two items."""

    def cut(photos):
        place, *others = sorted(path for path in data.iterdir() if path.is_dir())
        for folder in (*others, *sorted(place.iterdir())[2:]):
            shutil.rmtree(folder)
        for item in place.iterdir():
            for photo in sorted(item.iterdir())[photos:]:
                photo.unlink()
        return data

    return cut


@pytest.fixture
def museums(shared, tmp_path):
    """``museums(n)``: data/ with the first n photos of every item of the real museums."""
    source = scan(shared / "photos" / "museums" / "data")

    def first(photos):
        taken = defaultdict(int)
        for photo in source.photos:
            taken[photo.place, photo.item] += 1
            if taken[photo.place, photo.item] <= photos:
                target = tmp_path / "museums" / photo.place / photo.item / photo.path.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(photo.path, target)
        return tmp_path / "museums"

    return first


ROOMS = {"도자실": ("청자 상감 매병", "청자 참외모양 병"), "금속실": ("금관", "청동 거울")}


@pytest.fixture
def small(exhibition, tmp_path):
    """data/ with 2 places x 2 items x 8 photos, to be spoilt."""
    for place, items in ROOMS.items():
        for item in items:
            target = tmp_path / "small" / place / item
            target.mkdir(parents=True)
            for photo in sorted((exhibition / place / item).iterdir())[:8]:
                shutil.copyfile(photo, target / photo.name)
    return tmp_path / "small"
