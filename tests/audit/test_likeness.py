"""What does not fit is noticed before anything is trained: misfiled photos, twins, too little variety."""

import shutil

import pytest
from PIL import Image

from lens_core.audit.audit import audit
from lens_core.photos.layout import scan


def remarks(data, check):
    return [remark for remark in audit(scan(data), 1).remarks if remark.check == check]


def readiness(data):
    return {item.path: item.readiness for item in audit(scan(data), 1).items}


def test_a_misfiled_real_photo_is_named_with_the_item_it_looks_like(museums):
    data = museums(10)
    before = {remark.path for remark in remarks(data, "looks_like_another")}
    (axe,) = data.glob("*/*玉石铲*")
    (mirror,) = data.glob("*/*铜镜*")
    sorted(axe.iterdir())[4].rename(mirror / "misfiled.jpg")
    found = {remark.path: remark for remark in remarks(data, "looks_like_another")}
    path = f"{mirror.relative_to(data).as_posix()}/misfiled.jpg"
    assert set(found) - before == {path}
    assert found[path].other == axe.relative_to(data).as_posix()
    assert found[path].level == "warning"


def test_two_folders_of_one_exhibit_are_twins(some):
    data = some(14)
    place = next(path for path in data.iterdir() if path.is_dir())
    one = sorted(place.iterdir())[0]
    (place / "twin").mkdir()
    for photo in sorted(one.iterdir())[::2]:
        photo.rename(place / "twin" / photo.name)
    (twins,) = remarks(data, "twins")
    assert {twins.path, twins.other} == {f"{place.name}/{one.name}", f"{place.name}/twin"}


def test_an_exhibit_with_a_twin_is_less_ready_than_alone(some):
    data = some(14)
    place = next(path for path in data.iterdir() if path.is_dir())
    one = sorted(place.iterdir())[0]
    alone = readiness(data)
    (place / "twin").mkdir()
    for photo in sorted(one.iterdir())[::2]:
        photo.rename(place / "twin" / photo.name)
    together = readiness(data)
    mine = f"{place.name}/{one.name}"
    assert together[mine] < alone[mine]


def test_copies_do_not_make_an_item_ready(some):
    data = some(3)
    place = next(path for path in data.iterdir() if path.is_dir())
    item = sorted(place.iterdir())[0]
    first, *others = sorted(item.iterdir())
    for photo in others:
        photo.unlink()
    for turn in (90, 180, 270):
        Image.open(first).rotate(turn, expand=True).save(item / f"{turn}.jpg")
    (report,) = [report for report in audit(scan(data), 1).items if report.item == item.name]
    assert (report.photos, report.shots, report.readiness) == (4, 1, None)


@pytest.mark.parametrize("photos", [1, 2])
def test_few_photos_are_no_reason_to_stop(some, photos):
    assert len(readiness(some(photos))) == 2


def test_one_item_alone_has_nothing_to_be_confused_with(some):
    data = some(5)
    place = next(path for path in data.iterdir() if path.is_dir())
    shutil.rmtree(sorted(place.iterdir())[1])
    assert list(readiness(data).values()) == [None]


def test_a_burst_is_too_little_variety(some):
    data = some(14)
    place = next(path for path in data.iterdir() if path.is_dir())
    one, other = sorted(place.iterdir())
    photo = Image.open(sorted(one.iterdir())[0]).convert("RGB")
    for number, old in enumerate(sorted(one.iterdir())):
        if number < 6:  # the hand moves a little
            step = 8 * number
            photo.crop((step, step // 2, photo.width - 50 + step, photo.height - 30)).save(old, quality=88)
        else:
            old.unlink()
    burst, walk = f"{place.name}/{one.name}", f"{place.name}/{other.name}"
    for check in ("same_view", "same_light"):
        said = [remark.path for remark in remarks(data, check)]
        assert burst in said
        assert walk not in said
