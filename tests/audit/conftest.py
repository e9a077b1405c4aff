"""Photos with textures: of plain shapes on a plain ground, all count as one shot."""

import shutil

import pytest

from lens_core.demo import exhibition

ROOMS = {"도자실": ("청자 상감 매병", "청자 참외모양 병"), "금속실": ("금관", "청동 거울")}


@pytest.fixture(scope="session")
def drawn_museum(tmp_path_factory):
    """data/ with 2 places x 2 items x 8 photos that look like photos."""
    import attrs

    few = {
        place: attrs.evolve(room, items={item: room.items[item] for item in ROOMS[place]})
        for place, room in exhibition.PLACES.items()
        if place in ROOMS
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exhibition, "PLACES", few)
        return exhibition._render(tmp_path_factory.mktemp("drawn"), 42, None, photos=8, strays=0).data


@pytest.fixture
def data(drawn_museum, tmp_path):
    """A copy to spoil."""
    return shutil.copytree(drawn_museum, tmp_path / "data")
