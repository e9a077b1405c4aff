"""Folders of photos, as curators really leave them."""

import os
import tempfile
import unicodedata
from pathlib import Path

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


def test_two_spellings_of_one_photo_are_an_error_naming_both(data):
    root = data(f"A/ㄱ/{NFC}.jpg", f"A/ㄱ/{NFD}.jpg")
    if len(list(root.rglob("*.jpg"))) < 2:
        pytest.skip("this file system itself makes the two spellings one")
    said = error_of(scan, root, kind=NameCollisionError)
    assert all(f"{root}/A/ㄱ/{name}.jpg" in said for name in (NFC, NFD))
    assert said.endswith("Remove or rename one of the two photos.")


@pytest.mark.parametrize("other", ["VASE", "vase.", "Vase "])
@pytest.mark.parametrize("level", ["{}/ㄱ/1.jpg", "A/{}/1.jpg"])
def test_folders_that_windows_and_macs_take_for_one_are_an_error_naming_both(data, level, other):
    root = data(level.format("vase"), level.format(other))
    if len(list(root.rglob("*.jpg"))) < 2:
        pytest.skip("this file system itself makes them one")
    said = error_of(scan, root, kind=NameCollisionError)
    assert "are the same name on Windows and on a Mac." in said
    for name in ("vase", other):
        assert str((root / level.format(name)).parent).removesuffix("/ㄱ") in said


def test_photos_whose_names_differ_in_case_only_are_two_photos(data):
    root = data("A/ㄱ/1.jpg", "A/ㄱ/1.JPG")
    assert len(scan(root).photos) == len(list(root.rglob("*.[jJ]*")))


@pytest.mark.parametrize(
    "name",
    [
        "👩‍🎨 화가 🎨",
        "a  b",
        " leading",
        "trailing ",
        "trailing.",
        "v" * 200,
        "가" * 80,
        "CON",
        "nul",
        "-rf",
        "백자／청자",
        "a∕b⁄c",
        'it\'s "here" {0} %s',
        "إبريق",
        "A\u00a0B",
    ],
)
def test_unusual_names_are_names(data, name):
    found = scan(data(f"{name}/{name}/{name}.jpg"), [name])
    assert found.items == ((name, name),)
    assert found.inside(found.photos[0]) == f"{name}/{name}/{name}.jpg"
    assert found.photos[0].path.is_file()


@pytest.mark.parametrize("broken", ["a\nb", "a\tb", "\x1b[31mred", "a\x85b", "a\u2028b"])
@pytest.mark.parametrize("level", ["{}/ㄱ/1.jpg", "A/{}/1.jpg", "A/ㄱ/{}.jpg"])
def test_a_name_that_would_break_a_line_is_refused_in_one_line(data, level, broken):
    said = error_of(scan, data(level.format(broken)))
    assert said.startswith("E100: The name of ")
    assert said.endswith("Rename it.")
    assert len(said.splitlines()) == 1
    assert "\x1b" not in said


def test_a_name_from_a_windows_zip_that_is_no_text_is_refused(data):
    root = data("A/ㄱ/1.jpg")
    try:
        Path(os.fsdecode(bytes(root / "A") + b"/" + "청자".encode("cp949"))).mkdir()
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    said = error_of(scan, root)
    assert "is not UTF-8" in said
    assert "unzip -O CP949" in said


@pytest.fixture
def locked():
    """``locked("A/ㄱ")``: a data folder in which this folder may not be read; tests must not be root."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        for path in ("A/ㄱ/1.jpg", "A/ㄴ/1.jpg", "ood/walls/1.jpg"):
            (root / path).parent.mkdir(parents=True)
            (root / path).touch()
        shut = []

        def lock(folder):
            root.chmod(0o755)  # whoever we become below may come this far
            shut.append(root / folder)
            shut[0].chmod(0)
            if os.geteuid() == 0:
                os.seteuid(65534)
            return root

        yield lock
        if os.getuid() == 0:
            os.seteuid(0)
        shut[0].chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are otherwise here")
@pytest.mark.parametrize("folder", [".", "A", "A/ㄴ", "ood", "ood/walls"])
def test_a_folder_that_may_not_be_read_is_named(locked, folder):
    root = locked(folder)
    assert f"E100: {root / folder} cannot be read: Permission denied." in error_of(scan, root)


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
        "A/ㄱ/@eaDir/1.jpg/SYNOPHOTO_THUMB_XL.jpg",
        "A/@eaDir/1.jpg",
        "A/THUMBS.DB/1.jpg",
        "A/Icon\r",
        "#recycle/ㄱ/1.jpg",
        "$RECYCLE.BIN/1.jpg",
        "lost+found/1.jpg",
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


def test_the_folder_of_photos_of_no_exhibit_may_be_written_in_capitals(data):
    root = data("A/ㄱ/1.jpg", "OOD/wall.jpg")
    assert scan(root).places == ("A",)
    assert ood_photos(root) == [root / "OOD/wall.jpg"]


class TestLinks:
    """Followed inside the data folder, never out of it and never twice."""

    @pytest.fixture
    def elsewhere(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("elsewhere")
        for photo in ("1.jpg", "ㄱ/1.jpg"):
            (folder / photo).parent.mkdir(exist_ok=True)
            (folder / photo).touch()
        return folder

    @pytest.mark.parametrize(
        ("link", "target"),
        [
            ("A/ㄱ/2.jpg", "1.jpg"),
            ("A/ㄴ", "ㄱ"),
            ("B", ""),
            ("ood", "ㄱ"),
            ("ood/2.jpg", "1.jpg"),
            ("ood/walls", "ㄱ"),
            ("metadata.json", "1.jpg"),
        ],
    )
    def test_out_of_the_data_folder_are_refused(self, data, elsewhere, link, target):
        root = data("A/ㄱ/1.jpg")
        (root / link).parent.mkdir(exist_ok=True)
        (root / link).symlink_to(elsewhere / target)
        said = error_of(scan, root)
        leads_to = (elsewhere / target).resolve()
        assert f"E100: {root / link} is a link out of {root}: it leads to {leads_to}." in said
        assert said.endswith("or remove the link.")

    def test_out_by_way_of_another_link_are_refused(self, data, elsewhere):
        root = data("A/ㄱ/1.jpg")
        (root / ".way").symlink_to(elsewhere)
        (root / "A/ㄱ/2.jpg").symlink_to("../../.way/1.jpg")
        assert f"it leads to {elsewhere.resolve()}/1.jpg" in error_of(scan, root)

    def test_out_are_refused_for_a_gallery_too(self, data, elsewhere):
        root = data("A/ㄱ/1.jpg")
        (root / "A/ㄱ/2.jpg").symlink_to(elsewhere / "1.jpg")
        for folder in (root, root / "A"):
            assert f"is a link out of {folder}" in error_of(find_place, folder, "A")

    @pytest.mark.parametrize(
        ("link", "target", "why"),
        [
            ("A/ㄱ/2.jpg", "2.jpg", "which leads back to the link"),
            ("A/ㄱ/again", ".", "the folder that it lies in"),
            ("A/again", "..", "the folder that it lies in"),
            ("again", ".", "the folder that it lies in"),
            ("ood/again", "../ood", "the folder that it lies in"),
            ("A/ㄱ/2.jpg", "gone.jpg", "which cannot be followed: No such file or directory"),
        ],
    )
    def test_in_a_circle_or_to_nothing_are_refused(self, data, link, target, why):
        root = data("A/ㄱ/1.jpg", "ood/1.jpg")
        (root / link).symlink_to(target)
        said = error_of(scan, root)
        assert f"E100: {root / link} is a link to {target}, {why}." in said

    def test_between_two_folders_do_not_go_on_for_ever(self, data):
        root = data("A/ㄱ/1.jpg", "ood/a/1.jpg", "ood/b/2.jpg")
        (root / "ood/a/over").symlink_to("../b")
        (root / "ood/b/back").symlink_to("../a")
        assert "are one and the same" in error_of(ood_photos, root)

    def test_inside_the_data_folder_are_followed(self, data):
        root = data("A/ㄱ/1.jpg", ".originals/2.jpg", ".originals/ㄴ/1.jpg")
        (root / "A/ㄱ/2.jpg").symlink_to("../../.originals/2.jpg")
        (root / "A/ㄴ").symlink_to(root / ".originals/ㄴ")
        found = scan(root)
        assert [found.inside(photo) for photo in found.photos] == ["A/ㄱ/1.jpg", "A/ㄱ/2.jpg", "A/ㄴ/1.jpg"]

    @pytest.mark.parametrize(
        ("link", "target", "first", "second"),
        [
            ("A/ㄱ/2.jpg", "1.jpg", "A/ㄱ/1.jpg", "A/ㄱ/2.jpg"),
            ("A/ㄱ/0.jpg", "1.jpg", "A/ㄱ/0.jpg", "A/ㄱ/1.jpg"),
            ("A/ㄴ", "ㄱ", "A/ㄱ/1.jpg", "A/ㄴ/1.jpg"),
            ("B", "A", "A/ㄱ/1.jpg", "B/ㄱ/1.jpg"),
            ("ood/2.jpg", "../A/ㄱ/1.jpg", "A/ㄱ/1.jpg", "ood/2.jpg"),
        ],
    )
    @pytest.mark.parametrize("by_a_link", [False, True])
    def test_to_a_photo_that_is_there_anyway_are_refused(
        self, data, tmp_path_factory, link, target, first, second, by_a_link
    ):
        root = data("A/ㄱ/1.jpg", "ood/1.jpg")
        (root / link).symlink_to(target)
        if by_a_link:  # the data folder may itself be a link
            shortcut = tmp_path_factory.mktemp("short") / "data"
            shortcut.symlink_to(root)
            root = shortcut
        said = error_of(scan, root)
        assert (
            f"E100: {root / first} and {root / second} are one and the same: {root / link} is a link" in said
        )
        assert said.endswith("Remove the link.")

    def test_two_to_one_photo_are_refused(self, data):
        root = data(".originals/1.jpg", "A/ㄱ/1.jpg", "A/ㄴ/1.jpg")
        for item in "ㄱㄴ":
            (root / f"A/{item}/2.jpg").symlink_to("../../.originals/1.jpg")
        assert "are one and the same" in error_of(scan, root)

    def test_that_are_hidden_are_none_of_our_business(self, data, elsewhere):
        root = data("A/ㄱ/1.jpg")
        (root / "A/ㄱ/.2.jpg").symlink_to(elsewhere / "1.jpg")
        assert len(scan(root).photos) == 1

    def test_in_a_folder_of_questions_may_lead_anywhere(self, tmp_path, elsewhere):
        (tmp_path / "1.jpg").symlink_to(elsewhere / "1.jpg")
        assert list_photos(tmp_path) == [tmp_path / "1.jpg"]
