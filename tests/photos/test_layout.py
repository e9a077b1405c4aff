"""Folders of photos, as curators really leave them."""

import unicodedata

import pytest

from lens_core.errors import LayoutError, NameCollisionError
from lens_core.photos.layout import find_place, list_photos, ood_photos, scan

NFC, NFD = (unicodedata.normalize(form, "가야관") for form in ("NFC", "NFD"))


@pytest.fixture
def data(tmp_path):
    """``data("A/ㄱ/1.jpg", ...)``: empty files; scanning opens no photo."""

    def make(*paths):
        for path in paths:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).touch()
        return tmp_path

    return make


def error_of(call, *arguments, kind=LayoutError):
    with pytest.raises(kind) as refused:
        call(*arguments)
    return str(refused.value)


def test_the_first_level_is_the_place_and_the_second_the_item(data):
    found = scan(data("A/ㄱ/2.jpg", "A/ㄱ/1.jpg", "A/ㄴ/1.png", "B/ㄱ/1.heic"))
    assert found.places == ("A", "B")
    assert found.items == (("A", "ㄱ"), ("A", "ㄴ"), ("B", "ㄱ"))
    assert found.counts() == {("A", "ㄱ"): 2, ("A", "ㄴ"): 1, ("B", "ㄱ"): 1}
    assert [photo.path.name for photo in found.photos] == ["1.jpg", "2.jpg", "1.png", "1.heic"]


def test_only_the_named_places_are_listed(data):
    root = data("A/ㄱ/1.jpg", "B/ㄱ/1.jpg", "C/ㄱ/1.jpg")
    assert scan(root, ["C", "A"]).places == ("A", "C")


def test_a_place_that_is_not_there_is_answered_with_those_that_are(data):
    root = data("A/ㄱ/1.jpg", "B/ㄱ/1.jpg")
    assert f"E100: {root} has no place 'C'; it has A, B." in error_of(scan, root, ["C"])


@pytest.mark.parametrize("asked", [NFC, NFD])
def test_a_folder_zipped_on_a_mac_has_the_same_name(data, asked):
    root = data(f"{NFD}/{NFD}/1.jpg")
    found = scan(root, [asked])
    assert found.items == ((NFC, NFC),)
    assert found.photos[0].path.is_file()  # it is opened under the name the file system gave


@pytest.mark.parametrize("level", ["{0}/ㄱ/1.jpg", "A/{0}/1.jpg"])
def test_two_spellings_of_one_name_are_an_error_naming_both(data, level):
    root = data(level.format(NFC), level.format(NFD))
    if len(list(root.rglob("*.jpg"))) < 2:
        pytest.skip("this file system itself makes the two spellings one")
    said = error_of(scan, root, kind=NameCollisionError)
    folders = [str((root / level.format(name)).parent).removesuffix("/ㄱ") for name in (NFC, NFD)]
    assert said.startswith("E130: ")
    assert all(folder in said for folder in folders)


def test_a_photo_without_an_item_folder_is_named(data):
    root = data("A/ㄱ/1.jpg", "A/stray.jpg")
    assert f"E100: {root}/A/stray.jpg lies in place 'A' without an item folder." in error_of(scan, root)


def test_a_photo_without_a_place_is_named(data):
    root = data("A/ㄱ/1.jpg", "stray.HEIC")
    assert f"E100: {root}/stray.HEIC belongs to no place." in error_of(scan, root)


def test_an_item_without_photos_is_named(data):
    root = data("A/ㄱ/1.jpg", "A/ㄴ/notes.txt")
    assert f"E100: {root}/A/ㄴ holds no photos." in error_of(scan, root)


def test_a_place_without_items_is_named(data):
    root = data("A/ㄱ/1.jpg", "B/readme.txt")
    assert f"E100: {root}/B holds no item folders." in error_of(scan, root)


def test_an_empty_folder_and_no_folder_are_told_apart(tmp_path):
    assert f"E100: {tmp_path} holds no place folders." in error_of(scan, tmp_path)
    assert f"E100: There is no folder {tmp_path}/data." in error_of(scan, tmp_path / "data")


def test_every_layout_error_says_what_the_layout_is(tmp_path):
    assert error_of(scan, tmp_path).endswith("Arrange the photos as data/place/item/*.jpg and try again.")


def test_what_operating_systems_and_zip_tools_leave_behind_is_ignored(data):
    root = data(
        "A/ㄱ/1.jpg",
        "A/ㄱ/._1.jpg",
        "A/ㄱ/Thumbs.db",
        "A/ㄱ/.DS_Store",
        "A/.hidden/1.jpg",
        "A/__MACOSX/ㄱ/._1.jpg",
        "__MACOSX/A/ㄱ/._1.jpg",
        ".DS_Store",
        "desktop.ini",
        "metadata.json",
    )
    assert [photo.path for photo in scan(root).photos] == [root / "A/ㄱ/1.jpg"]


def test_every_format_a_phone_writes_is_listed_whatever_the_case(data):
    names = ["1.jpg", "2.JPEG", "3.png", "4.webp", "5.HEIC", "6.heif", "7.avif", "8.bmp", "9.TIF"]
    root = data(*(f"A/ㄱ/{name}" for name in [*names, "10.txt", "11.gif", "12"]))
    assert [path.name for path in list_photos(root / "A/ㄱ")] == names


def test_photos_that_show_no_exhibit_are_no_place(data):
    root = data("A/ㄱ/1.jpg", "ood/wall.jpg", "ood/floors/1.jpg")
    assert scan(root).places == ("A",)
    assert "has no place 'ood'; it has A." in error_of(scan, root, ["ood"])


def test_photos_that_show_no_exhibit_are_found_in_sub_folders_too(data):
    root = data("ood/wall.jpg", "ood/floors/2.jpg", "ood/floors/1.jpg", "ood/floors/.3.jpg", "ood/notes.txt")
    expected = ["wall.jpg", "floors/1.jpg", "floors/2.jpg"]
    assert [path.relative_to(root / "ood").as_posix() for path in ood_photos(root)] == expected
    assert ood_photos(root / "elsewhere", root / "ood") == ood_photos(root)


def test_having_no_such_photos_is_fine_but_naming_a_folder_that_is_not_there_is_an_error(data):
    root = data("A/ㄱ/1.jpg")
    assert ood_photos(root) == []
    assert "There is no folder" in error_of(ood_photos, root, root / "walls")


def test_no_gallery_can_be_made_of_photos_that_show_no_exhibit(data):
    root = data("A/ㄱ/1.jpg", "ood/floors/1.jpg")
    assert error_of(find_place, root, "ood").startswith("E100: ")


def test_a_place_is_found_from_the_data_folder_and_from_its_own(data):
    root = data("A/ㄱ/1.jpg", "A/ㄴ/1.jpg", "B/ㄱ/1.jpg")
    from_data, from_place = find_place(root, "A"), find_place(root / "A", "A")
    assert from_data == from_place
    assert [(photo.place, photo.item) for photo in from_data] == [("A", "ㄱ"), ("A", "ㄴ")]


@pytest.mark.parametrize("asked", [NFC, NFD])
def test_a_place_is_found_in_either_spelling(data, asked):
    (photo,) = find_place(data(f"{NFD}/ㄱ/1.jpg"), asked)
    assert photo.place == NFC


def test_a_mistyped_place_is_answered_with_the_places_there_are(data):
    said = error_of(find_place, data("A/ㄱ/1.jpg", "B/ㄱ/1.jpg"), "C")
    assert "'C'" in said
    assert "A, B" in said
